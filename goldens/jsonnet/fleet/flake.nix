{
  description = "An inventory that is computed: three racks of two hosts";

  outputs = _: {
    nixfleet =
      { nixfleet, ... }:
      nixfleet.mkFleet {
        modules = [ ./motd.nix ];
      };
  };
}
