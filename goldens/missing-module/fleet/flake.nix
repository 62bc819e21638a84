{
  outputs = _: {
    nixfleet = { nixfleet, ... }: nixfleet.mkFleet {
      hosts.web-1 = { base = "ubuntu"; addr = "10.0.1.11"; };
      modules = [ ./modules/base.nix ];
    };
  };
}
