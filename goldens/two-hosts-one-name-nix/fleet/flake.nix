{
  description = "One name for a host in the inventory and one in Nix";

  outputs = _: {
    nixfleet =
      { nixfleet, ... }:
      nixfleet.mkFleet {
        hosts.web-1 = {
          base = "ubuntu";
          addr = "10.0.1.11";
        };
      };
  };
}
