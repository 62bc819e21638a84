# The role "db": a nightly dump by a timer, and one worker of a template.
{
  nixfleet.systemd.units = {
    "dump.service" = {
      enabled = false; # the timer starts it
      text = ''
        [Service]
        Type=oneshot
        ExecStart=/bin/sh -c 'date >> /var/log/dumps'
      '';
    };
    "dump.timer" = {
      enabled = true;
      text = ''
        [Timer]
        OnCalendar=daily

        [Install]
        WantedBy=timers.target
      '';
    };
    "worker@.service" = {
      enabled = true;
      text = ''
        [Service]
        ExecStart=/bin/sleep infinity

        [Install]
        WantedBy=multi-user.target
        DefaultInstance=main
      '';
    };
  };
}
