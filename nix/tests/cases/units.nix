# Units from options, and what else stands in the host's systemd directory.
{ lib }:
let
  fleet = import ../fleet.nix { inherit lib; };
  inherit (fleet) host;
  lowering = ../../lib/backends/lowering;
  unitName = import (lowering + "/unit-name.nix") { inherit lib; };

  systemd = attrs: host [ { nixfleet.systemd = attrs; } ];
  text = name: attrs: (systemd attrs).units.${name}.text;
  service = attrs: text "x.service" { services.x = { serviceConfig.ExecStart = "/bin/x"; } // attrs; };
  # Without the hash of the store, and with what a script is.
  plain = s: lib.concatStrings (lib.filter lib.isString (builtins.split "/nix/store/[0-9a-z]{32}-" s));
in
{
  services = [
    [
      (service {
        description = "X";
        documentation = [ "man:x" ];
        after = [ "a.service" "b.service" ];
        before = [ "c.service" ];
        wants = [ "d.service" ];
        requires = [ "e.service" ];
        requisite = [ "f.service" ];
        bindsTo = [ "g.service" ];
        partOf = [ "h.service" ];
        conflicts = [ "i.service" ];
        upholds = [ "j.service" ];
        onFailure = [ "k@%n.service" ];
        onSuccess = [ "l.service" ];
        startLimitBurst = 3;
        startLimitIntervalSec = 30;
        wantedBy = [ "multi-user.target" "m.target" ];
        requiredBy = [ "n.target" ];
        upheldBy = [ "o.target" ];
        aliases = [ "p.service" ];
      })
      ''
        [Unit]
        After=a.service b.service
        Before=c.service
        BindsTo=g.service
        Conflicts=i.service
        Description=X
        Documentation=man:x
        OnFailure=k@%n.service
        OnSuccess=l.service
        PartOf=h.service
        Requires=e.service
        Requisite=f.service
        StartLimitBurst=3
        StartLimitIntervalSec=30
        Upholds=j.service
        Wants=d.service

        [Service]
        ExecStart=/bin/x

        [Install]
        Alias=p.service
        RequiredBy=n.target
        UpheldBy=o.target
        WantedBy=multi-user.target m.target
      ''
    ]
    # How values look: lists repeat, booleans are words, null is nothing, paths go to the store.
    [
      (plain (service {
        serviceConfig = {
          ExecStart = [ "" "/bin/x --a\n" ];
          PrivateTmp = true;
          RemainAfterExit = false;
          LimitNOFILE = 1024;
          User = null;
          EnvironmentFile = ../fixtures/module.nix;
          ExecReload = "/bin/x \\\n  --b";
        };
      }))
      "[Service]\nEnvironmentFile=module.nix\nExecReload=/bin/x \\\n  --b\nExecStart=\nExecStart=/bin/x --a\nLimitNOFILE=1024\nPrivateTmp=true\nRemainAfterExit=false\n"
    ]
    # Lists of several modules are one; what is said by hand adds to what options say.
    [
      (host [
        { nixfleet.systemd.services.x.serviceConfig = { ExecStart = "/x"; ReadWritePaths = [ "/a" ]; }; }
        { nixfleet.systemd.services.x.serviceConfig.ReadWritePaths = "/b"; }
        { nixfleet.systemd.services.x = { after = [ "a.service" ]; unitConfig.After = "b.service"; }; }
      ]).units."x.service".text
      "[Unit]\nAfter=a.service\nAfter=b.service\n\n[Service]\nExecStart=/x\nReadWritePaths=/a\nReadWritePaths=/b\n"
    ]
    [
      (service { environment = { A = "x y"; B = null; C = "50%"; }; path = [ "/opt/tool" ]; })
      ''
        [Service]
        Environment="A=x y"
        Environment="C=50%"
        Environment="PATH=/opt/tool/bin:/opt/tool/sbin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        ExecStart=/bin/x
      ''
    ]
    [ (lib.hasInfix "PATH=/opt/tool/bin:/opt/tool/sbin:/only\"" (service { environment.PATH = "/only"; path = [ "/opt/tool" ]; })) true ]
    # What decides how a change reaches the service.
    [ (service { restartIfChanged = false; reloadIfChanged = true; stopIfChanged = false; }) "[Service]\nExecStart=/bin/x\nX-ReloadIfChanged=true\nX-RestartIfChanged=false\nX-StopIfChanged=false\n" ]
    [ (service { restartTriggers = [ "a" ]; } == service { restartTriggers = [ "b" ]; }) false ]
    [ (service { restartTriggers = [ "a" 1 ../fixtures/module.nix { a = true; } ]; } == service { restartTriggers = [ "a" 1 ../fixtures/module.nix { a = true; } ]; }) true ]
    [ (systemd { services.x = { reloadTriggers = [ "a" ]; serviceConfig.ExecStart = "/x"; }; }).files."/etc/nixfleet/triggers/x.service".reloadUnits [ "x.service" ] ]
    [ (service { reloadTriggers = [ "a" ]; } == service { reloadTriggers = [ "b" ]; }) true ]
    [ (systemd { services.x = { adopt = true; serviceConfig.ExecStart = "/x"; }; }).units."x.service".adopt true ]
    [ (systemd { services.x.serviceConfig.ExecStart = "/x"; }).units."x.service".enabled null ]
    [ (builtins.match ".*units[.]nix:[0-9]+" (systemd { services.x.serviceConfig.ExecStart = "/x"; }).units."x.service".at != null) true ]
  ];

  scripts = [
    [
      (plain (text "a@.service" {
        services."a@" = { script = "run %i"; scriptArgs = "%i"; preStart = "a"; postStart = "b"; reload = "c"; preStop = "d"; postStop = "e"; serviceConfig.ExecStartPre = "+/bin/f"; };
      }))
      ''
        [Service]
        ExecReload=unit-script-a_-reload/bin/a_-reload
        ExecStart=unit-script-a_-start/bin/a_-start %i
        ExecStartPost=unit-script-a_-post-start/bin/a_-post-start
        ExecStartPre=unit-script-a_-pre-start/bin/a_-pre-start
        ExecStartPre=+/bin/f
        ExecStop=unit-script-a_-pre-stop/bin/a_-pre-stop
        ExecStopPost=unit-script-a_-post-stop/bin/a_-post-stop
      ''
    ]
    # Another text is another program, and so another unit.
    [ (text "x.service" { services.x.script = "a"; } == text "x.service" { services.x.script = "b"; }) false ]
  ];

  startAt = [
    [ (text "x.timer" { services.x = { script = "true"; startAt = "daily"; }; }) "[Timer]\nOnCalendar=daily\n\n[Install]\nWantedBy=timers.target\n" ]
    [
      (text "x.timer" { services.x = { script = "true"; startAt = [ "Mon" "Tue" ]; }; timers.x = { wantedBy = [ "timers.target" ]; timerConfig = { OnCalendar = "Wed"; Persistent = true; }; }; })
      "[Timer]\nOnCalendar=Mon\nOnCalendar=Tue\nOnCalendar=Wed\nPersistent=true\n\n[Install]\nWantedBy=timers.target\n"
    ]
    [ (builtins.match ".*units[.]nix:[0-9]+" (systemd { services.x = { script = "true"; startAt = "daily"; }; }).units."x.timer".at != null) true ]
  ];

  # A service that is switched off has no timer; one that is only added to has one, as the host has the service.
  startAtOfOthers = [
    [ (systemd { services.x = { enable = false; startAt = "daily"; }; }).units { } ]
    [ (lib.attrNames (systemd { services.x = { overrideStrategy = "asDropin"; startAt = "daily"; }; }).units) [ "x.timer" ] ]
    [ (lib.attrNames (systemd { timers.x.timerConfig.OnBootSec = 1; masks = [ "x.service" ]; }).units) [ "x.timer" ] ]
    [ (lib.attrNames (systemd { timers.x.timerConfig.OnBootSec = 1; units."x.service".dropIns.a = ""; }).units) [ "x.timer" ] ]
  ];

  otherKinds = [
    [ (text "x.timer" { services.x.script = "true"; timers.x.timerConfig.OnBootSec = 60; }) "[Timer]\nOnBootSec=60\n" ]
    [ (text "x.timer" { timers.x.timerConfig = { OnBootSec = 60; Unit = "apt-daily.service"; }; }) "[Timer]\nOnBootSec=60\nUnit=apt-daily.service\n" ]
    [ (text "x.socket" { services."x@".script = "true"; sockets.x = { listenStreams = [ "80" "/run/x" ]; listenDatagrams = [ "81" ]; socketConfig.Accept = true; }; }) "[Socket]\nAccept=true\nListenDatagram=81\nListenStream=80\nListenStream=/run/x\n" ]
    [ (text "x.path" { services.x.script = "true"; paths.x.pathConfig.PathChanged = [ "/a" "/b" ]; }) "[Path]\nPathChanged=/a\nPathChanged=/b\n" ]
    [ (text "x.slice" { slices.x.sliceConfig.MemoryMax = "1G"; }) "[Slice]\nMemoryMax=1G\n" ]
    [ (text "x.target" { targets.x = { }; }) "[Unit]\n" ]
    [ (text "x.target" { targets.x.wants = [ "a.service" ]; }) "[Unit]\nWants=a.service\n" ]
    [
      (text "srv-my\\x2ddata.mount" { mounts = [ { what = "/dev/sda1"; where = "/srv/my-data"; type = "ext4"; options = "noatime"; mountConfig.DirectoryMode = "0700"; } ]; })
      "[Mount]\nDirectoryMode=0700\nOptions=noatime\nType=ext4\nWhat=/dev/sda1\nWhere=/srv/my-data\n"
    ]
    [ (builtins.match ".*units[.]nix:[0-9]+" (systemd { mounts = [ { what = "x"; where = "/a"; } ]; }).units."a.mount".at != null) true ]
    [ (text "a.automount" { automounts = [ { where = "/a"; automountConfig.TimeoutIdleSec = 5; wantedBy = [ "local-fs.target" ]; } ]; }) "[Automount]\nTimeoutIdleSec=5\nWhere=/a\n\n[Install]\nWantedBy=local-fs.target\n" ]
  ];

  rawUnits = [
    [ (systemd { units."x.service".text = "[Service]\n"; }).units."x.service".text "[Service]\n" ]
    [ (systemd { units."x.service".text = "[Service]\n"; }).units."x.service".enabled null ]
    # An entry for a unit that is made of options adds what only it can say.
    [ (let u = (systemd { services.x.script = "true"; units."x.service" = { enabled = false; adopt = true; onChange = "keep"; }; }).units."x.service"; in [ u.enabled u.adopt u.onChange ]) [ false true "keep" ] ]
    [ (systemd { units."x.service" = { text = "[Service]\n"; onChange = "reload"; }; }).units."x.service".onChange "reload" ]
    [
      (removeAttrs (systemd { units."ssh.service".dropIns.limits = "[Service]\nNice=1\n"; }).files."/etc/systemd/system/ssh.service.d/limits.conf" [ "at" ])
      { text = "[Service]\nNice=1\n"; source = null; symlink = null; mode = "0644"; owner = "root"; group = "root"; restartUnits = [ "ssh.service" ]; reloadUnits = [ ]; validate = null; adopt = false; }
    ]
    [ (systemd { units."ssh.service".dropIns.limits = ""; }).units { } ]
    # Neither a template nor a target restarts.
    [ (map (n: (systemd { units.${n}.dropIns.a = ""; }).files."/etc/systemd/system/${n}.d/a.conf".restartUnits) [ "getty@.service" "getty@tty1.service" "a.target" "b.slice" ]) [ [ ] [ "getty@tty1.service" ] [ ] [ ] ] ]
    [
      (let h = systemd { services.ssh = { overrideStrategy = "asDropin"; serviceConfig.Nice = 1; }; }; in [ (lib.attrNames h.units) h.files."/etc/systemd/system/ssh.service.d/overrides.conf".text ])
      [ [ ] "[Service]\nNice=1\n" ]
    ]
  ];

  masks = [
    [ (lib.attrNames (systemd { masks = [ "a.timer" "b.service" ]; services.c.enable = false; }).masks) [ "a.timer" "b.service" "c.service" ] ]
    [ (systemd { services.c.enable = false; }).units { } ]
    [ (systemd { }).masks { } ]
  ];

  # As `systemd-escape --path` has it.
  unitNameOfPath = [
    [
      (map unitName.ofPath [ "/" "//" "/srv" "/srv/data/" "/srv//data" "/srv/my-data" "/.hidden/.x" "/a b" "/a_b.c:d" "/a\\b" ])
      [ "-" "-" "srv" "srv-data" "srv-data" "srv-my\\x2ddata" "\\x2ehidden-.x" "a\\x20b" "a_b.c:d" "a\\x5cb" ]
    ]
  ];

  # A name that is nearly one of the fleet's may be a slip, or the operating system's own.
  nearMisses = [
    [
      (map (w: builtins.match ".*: (restartUnits has [^,]*, which is no unit of this fleet; did you mean [a-z.]*[?]) .*" w.message)
        (fleet.result {
          hosts.h = { base = "ubuntu"; addr = "x"; };
          modules = [ { nixfleet.systemd.services = { web.script = "true"; db.script = "true"; }; nixfleet.files."/a" = { text = ""; restartUnits = [ "wbe.service" "webb.service" "web.service" "ssh.service" "web.socket" "dv.service" ]; }; } ];
        }).warnings)
      [
        [ "restartUnits has wbe.service, which is no unit of this fleet; did you mean web.service?" ]
        [ "restartUnits has webb.service, which is no unit of this fleet; did you mean web.service?" ]
      ]
    ]
  ];
}
