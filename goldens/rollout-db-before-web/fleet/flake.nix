{
  description = "The database before the web servers, never two of a rack, and each in its own way";

  outputs = _: {
    nixfleet =
      { nixfleet, ... }:
      nixfleet.mkFleet {
        modules = [ { nixfleet.files."/etc/motd".text = "Managed by NixFleet.\n"; } ];
      };
  };
}
