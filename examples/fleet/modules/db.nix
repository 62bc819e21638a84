# The role `db`: keeps counters for the web hosts, in a directory of its own.
{
  config,
  lib,
  pkgs,
  ...
}:
{
  options.db.port = lib.mkOption {
    type = lib.types.port;
    default = 5432;
    description = "The port that the service listens on.";
  };

  config.nixfleet = {
    users.db = {
      system = true;
      home = "/var/lib/db";
    };

    directories."/var/lib/db" = {
      owner = "db";
      group = "db";
      mode = "0750";
    };

    systemd.units."db.service".text = ''
      [Unit]
      Description=Counters
      After=network.target

      [Service]
      ExecStart=/usr/bin/python3 ${pkgs.db}/bin/db ${toString config.db.port} /var/lib/db/counters.json
      User=db
      Restart=always

      [Install]
      WantedBy=multi-user.target
    '';
  };
}
