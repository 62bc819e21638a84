# edition: 1 or 2. window: how long the host waits to be confirmed.
{ edition, window }:
{ lib, ... }:
let
  number = toString edition;
  first = edition == 1;

  service = lines: {
    text = ''
      [Service]
      Environment=EDITION=${number}
      ${lib.concatStringsSep "\n" lines}
      [Install]
      WantedBy=multi-user.target
    '';
  };
  daemon = service [ "ExecStart=/bin/sleep infinity" ];
in
{
  nixfleet.activation.confirmWindow = window;

  nixfleet.users = {
    "change-both" = {
      system = true;
      group = "change-both";
      home = "/srv/change-${number}";
    };
    "change-${number}" = {
      system = true;
      group = "change-${number}";
    };
  };

  nixfleet.directories."/etc/change/dir-${number}" = { };
  nixfleet.files =
    lib.listToAttrs (
      lib.genList (i: {
        name = "/etc/change/${toString (i + 1)}";
        value = {
          text = "edition ${number}\n";
          mode = if first then "0644" else "0600";
          owner = if first then "root" else "change-both";
        };
      }) 20
    )
    // {
      "/etc/change/only-${number}".text = "edition ${number}\n";
      "/etc/change/link".symlink = "/etc/change/only-${number}";
    };

  nixfleet.systemd.units = {
    "change-kept.service" = daemon;
    # What early boot needs: it is there before anything of ours can be undone.
    "change-early.service".text = ''
      [Unit]
      DefaultDependencies=no
      Before=sysinit.target
      [Service]
      Type=oneshot
      RemainAfterExit=yes
      ExecStart=/bin/sh -c 'echo ${number} >/run/change-early'
      [Install]
      WantedBy=sysinit.target
    '';
  }
  // (
    if first then
      { "change-dropped.service" = daemon; }
    else
      {
        "change-added.service" = daemon;
        # A change goes no further while /srv/hold is there.
        "change-hold.service" = service [
          "Type=oneshot"
          "RemainAfterExit=yes"
          "ExecStart=/bin/sh -c 'while [ -e /srv/hold ]; do sleep 0.05; done'"
        ];
      }
  );
}
