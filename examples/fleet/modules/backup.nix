# The role `backup`: a copy of each day of what other modules name, made at night and kept for two weeks.
{ config, lib, ... }:
let
  cfg = config.backup;
  copies = "/var/backups/fleet";
in
{
  options.backup.files = lib.mkOption {
    type = lib.types.listOf lib.types.path;
    default = [ ];
    example = [ "/var/lib/db/counters.json" ];
    description = "Files that a copy is made of; those that are not there yet are passed over.";
  };

  config.nixfleet.systemd = {
    tmpfiles.rules = [ "d ${copies} 0700 root root 14d" ];

    # startAt makes a timer of the same name; what it says besides is said below.
    services.backup = {
      description = "A copy of the day";
      startAt = "*-*-* 03:15:00";
      script = ''
        for file in ${lib.escapeShellArgs cfg.files}; do
          if [ -e "$file" ]; then
            cp "$file" "${copies}/$(basename "$file")-$(date +%F)"
          fi
        done
      '';
      serviceConfig = {
        Type = "oneshot";
        ProtectHome = true;
        PrivateTmp = true;
      };
    };
    timers.backup.timerConfig = {
      Persistent = true;
      RandomizedDelaySec = "10min";
    };
  };
}
