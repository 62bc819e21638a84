{
  outputs = _: {
    nixfleet =
      { nixfleet, ... }:
      nixfleet.mkFleet {
        modules = [
          {
            nixfleet.files."/etc/motd.d/fleet" = {
              text = "Welcome.\n";
              mode = "0666";
            };
            nixfleet.files."/usr/local/bin/su" = {
              text = "#!/bin/sh\n";
              mode = "4755";
            };
          }
        ];
        hosts.web-1 = {
          base = "ubuntu";
          addr = "10.0.1.11";
        };
        hosts.web-2 = {
          base = "ubuntu";
          addr = "10.0.1.12";
        };
      };
  };
}
