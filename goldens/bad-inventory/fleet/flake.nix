{
  outputs = _: {
    nixfleet = { nixfleet, ... }: nixfleet.mkFleet {
      roles.web = ./module.nix;
      hostModules.web-9 = { };
      hosts.nix-1 = {
        base = "debain";
        addr = "10.0.1.31";
        port = "22";
      };
    };
  };
}
