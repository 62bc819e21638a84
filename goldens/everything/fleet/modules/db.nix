# A database with a secret and a nightly job.
{ ... }:
{
  nixfleet = {
    secrets.db-password = {
      file = ../secrets/db-password.age;
      owner = "app";
      group = "app";
      restartUnits = [ "db.service" ];
    };
    systemd.services.db = {
      wantedBy = [ "multi-user.target" ];
      serviceConfig.ExecStart = "/usr/bin/db";
    };
    systemd.services.backup = {
      script = "db dump >/var/lib/app/dump";
      serviceConfig.Type = "oneshot";
      startAt = "03:00";
    };
    systemd.units."keep.service".text = "[Unit]\nX-RestartIfChanged=false\n[Service]\nExecStart=/usr/bin/keep\n";
    healthChecks.port.port = 5432;
    healthChecks.answers = { command = "pg_isready -q"; retries = 10; };
    directories."/var/lib/app/dumps" = { owner = "app"; group = "app"; mode = "0750"; };
  };
}
