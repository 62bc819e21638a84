{
  description = "One path for two things, and a file inside a file";

  outputs = _: {
    nixfleet =
      { nixfleet, ... }:
      nixfleet.mkFleet {
        hosts.web-1 = {
          base = "ubuntu";
          addr = "10.0.1.11";
        };
        modules = [ ./module.nix ];
      };
  };
}
