# The role `db`: keeps counters for the web hosts, in a directory of its own.
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

  # The hosts that may ask, wherever the inventory has them.
  clients = lib.filter (host: lib.elem "web" host.roles) (lib.attrValues hosts);
in
{
  # What it is copied by is a role of its own; that each is there is nothing that the inventory must remember.
  imports = [ ./backup.nix ];

  options.db.port = lib.mkOption {
    type = lib.types.port;
    default = 5432;
    description = "The port that the service listens on.";
  };

  config.backup.files = [ "${data}/counters.json" ];

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

    firewall.sources = lib.listToAttrs (
      map (client: lib.nameValuePair client.addr { allowedTCPPorts = [ cfg.port ]; }) clients
    );
  };
}
