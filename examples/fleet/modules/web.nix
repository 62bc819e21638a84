# The role `web`: a small web service. Other modules set its options; what follows from them is said here, once.
{
  config,
  host,
  hosts,
  lib,
  pkgs,
  ...
}:
let
  cfg = config.web;

  # The hosts that keep the data, wherever the inventory has them.
  databases = lib.filter (other: lib.elem "db" other.roles) (lib.attrValues hosts);
in
{
  options.web = {
    port = lib.mkOption {
      type = lib.types.port;
      default = host.vars.port or 8080;
      description = "The port that the service listens on.";
    };

    greeting = lib.mkOption {
      type = lib.types.str;
      default = "Hello from ${host.name}";
      description = "The first line of the page.";
    };
  };

  config.nixfleet = {
    users.web = {
      system = true;
      home = "/var/lib/web";
    };

    files."/etc/web/config.json" = {
      text = builtins.toJSON {
        inherit (cfg) port greeting;
        databases = map (db: "http://${db.addr}:${toString (db.vars.dbPort or 5433)}") databases;
      };
      mode = "0640";
      group = "web";
      restartUnits = [ "web.service" ];
    };

    systemd.services.web = {
      description = "The web service";
      wantedBy = [ "multi-user.target" ];
      wants = [ "network-online.target" ];
      after = [ "network-online.target" ];
      serviceConfig = {
        ExecStart = "/usr/bin/python3 ${pkgs.web}/bin/web /etc/web/config.json";
        User = "web";
        Restart = "always";
        ProtectSystem = "strict";
        ProtectHome = true;
        PrivateTmp = true;
        NoNewPrivileges = true;
      };
    };

    firewall.allowedTCPPorts = [ cfg.port ];
  };
}
