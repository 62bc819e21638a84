{
  outputs = _: {
    nixfleet = { nixfleet, ... }: nixfleet.mkFleet {
      name = "everything";
      timeZone = "Europe/Berlin";
      modules = [ ./modules/base.nix ];
      roles.web = ./modules/web.nix;
      roles.db = ./modules/db.nix;
      rollout = {
        maxParallel = 2;
        canary = 1;
        waves = [ "50%" "100%" ];
        soak = "5m";
        failureBudget = "10%";
        rebootWindow = "Sat,Sun 02:00-04:00";
      };
      hosts = {
        web-1 = { base = "ubuntu"; addr = "10.0.1.11"; roles = [ "web" ]; groups = [ "web" ]; tags.rack = "a"; };
        db-1 = {
          base = "debian";
          addr = "10.0.1.21";
          roles = [ "db" ];
          osUpdates.ubuntu = {
            mode = "security-daily";
            autoReboot = true;
            rebootWindow = "Sun 02:00-04:00";
            holds = [ "postgresql-*" ];
            maxConcurrentReboots = 1;
          };
        };
        nix-1 = { base = "nixos"; addr = "10.0.1.31"; osUpdates.nixos.autoSwitch = false; };
      };
      groups.web = { };
    };
  };
}
