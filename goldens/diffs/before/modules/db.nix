# The role "db": a database with a password and a nightly backup.
{ ... }:
{
  nixfleet = {
    users.postgres = {
      system = true;
      home = "/var/lib/postgres";
    };
    secrets.db-password = {
      file = ../secrets/db-password.age;
      owner = "postgres";
      group = "postgres";
      restartUnits = [ "db.service" ];
    };
    files."/etc/db/db.conf" = {
      text = ''
        port = 5432
        max_connections = 200
        shared_buffers = 2GB
      '';
      restartUnits = [ "db.service" ];
    };
    systemd.services.db = {
      description = "Database";
      wantedBy = [ "multi-user.target" ];
      serviceConfig = {
        ExecStart = "/usr/bin/db --config /etc/db/db.conf";
        User = "postgres";
      };
    };
    systemd.services.backup = {
      serviceConfig = {
        ExecStart = "/usr/bin/db-dump --all";
        Type = "oneshot";
      };
      startAt = "03:00";
    };
    healthChecks.port.port = 5432;
    reboot.auto = true;
  };
}
