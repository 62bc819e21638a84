{
  description = "Five hosts, one of which comes first: all that is needed for a careful start";

  outputs = _: {
    nixfleet =
      { nixfleet, ... }:
      nixfleet.mkFleet {
        modules = [ { nixfleet.files."/etc/motd".text = "Managed by NixFleet.\n"; } ];
      };
  };
}
