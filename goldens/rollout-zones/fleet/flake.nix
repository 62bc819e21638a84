{
  description = "One canary for each zone, a gate that asks Prometheus, and nobody left half done";

  outputs = _: {
    nixfleet =
      { nixfleet, ... }:
      nixfleet.mkFleet {
        modules = [ { nixfleet.files."/etc/motd".text = "Managed by NixFleet.\n"; } ];
      };
  };
}
