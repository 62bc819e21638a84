{
  description = "The smallest fleet: one host, one file";

  outputs = _: {
    nixfleet =
      { nixfleet, ... }:
      nixfleet.mkFleet {
        hosts.web-1 = {
          base = "ubuntu";
          addr = "10.0.1.11";
        };

        modules = [
          { nixfleet.files."/etc/motd".text = "This host is managed by NixFleet.\n"; }
        ];
      };
  };
}
