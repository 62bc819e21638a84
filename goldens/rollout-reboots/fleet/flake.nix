{
  description = "Hosts that reboot in windows of their groups, no more at once than the groups can spare";

  outputs = _: {
    nixfleet =
      { nixfleet, ... }:
      nixfleet.mkFleet {
        modules = [ { nixfleet.files."/etc/motd".text = "Managed by NixFleet.\n"; } ];
      };
  };
}
