# The role `db`: keeps counters for the web hosts, in a directory of its own, and a copy of them of each day.
{
  config,
  hosts,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.db;
  data = "/var/lib/db";
  copies = "/var/backups/db";

  # The hosts that may ask, wherever the inventory has them.
  clients = lib.filter (host: lib.elem "web" host.roles) (lib.attrValues hosts);
in
{
  options.db.port = lib.mkOption {
    type = lib.types.port;
    default = 5432;
    description = "The port that the service listens on.";
  };

  config.nixfleet = {
    users.db = {
      system = true;
      home = data;
    };

    directories.${data} = {
      owner = "db";
      group = "db";
      mode = "0750";
    };

    systemd.services.db = {
      description = "Counters";
      wantedBy = [ "multi-user.target" ];
      after = [ "network.target" ];
      serviceConfig = {
        ExecStart = "/usr/bin/python3 ${pkgs.db}/bin/db ${toString cfg.port} ${data}/counters.json";
        User = "db";
        Restart = "always";
        ProtectSystem = "strict";
        ReadWritePaths = [ data ];
      };
    };

    # Copies are made at night, kept for two weeks, and readable by the service alone.
    systemd.tmpfiles.rules = [ "d ${copies} 0750 db db 14d" ];

    systemd.services.db-copy = {
      description = "A copy of the counters";
      startAt = "*-*-* 03:15:00";
      script = ''
        if [ -e ${data}/counters.json ]; then
          cp ${data}/counters.json "${copies}/counters-$(date +%F).json"
        fi
      '';
      serviceConfig = {
        Type = "oneshot";
        User = "db";
      };
    };
    systemd.timers.db-copy.timerConfig.Persistent = true;

    firewall.sources = lib.listToAttrs (
      map (client: lib.nameValuePair client.addr { allowedTCPPorts = [ cfg.port ]; }) clients
    );
  };
}
