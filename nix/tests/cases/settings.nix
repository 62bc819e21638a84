# Options that become files of the host, and services of NixFleet's own that carry them out.
{ lib }:
let
  fleet = import ../fleet.nix { lib = if lib ? fileset && lib.trivial ? release then lib else null; };
  of = attrs: fleet.host [ { nixfleet = attrs; } ];
  plain = s: lib.concatStrings (lib.filter lib.isString (builtins.split "/nix/store/[0-9a-z]{32}-" s));
in
{
  tmpfiles = [
    [ (of { systemd.tmpfiles.rules = [ "d /run/a" "d /run/b 0700" ]; }).files."/etc/tmpfiles.d/nixfleet.conf".text "d /run/a\nd /run/b 0700\n" ]
    [ (of { systemd.tmpfiles.rules = [ "d /run/a" ]; }).files."/etc/tmpfiles.d/nixfleet.conf".restartUnits [ "nixfleet-tmpfiles.service" ] ]
    [
      (of { systemd.tmpfiles.settings.a."/run/x".d = { mode = "0700"; user = "u"; group = "g"; age = "1d"; }; systemd.tmpfiles.settings.a."/run/y"."L+".argument = "/run/x"; }).files."/etc/tmpfiles.d/a.conf".text
      "'d' '/run/x' '0700' 'u' 'g' '1d'\n'L+' '/run/y' '-' '-' '-' '-' /run/x\n"
    ]
    # Before the services that may need what it makes, but those that start before everything else.
    [
      (of { systemd = { tmpfiles.rules = [ "d /run/a" ]; services = { b.script = "true"; "t@".script = "true"; early = { script = "true"; unitConfig.DefaultDependencies = false; }; }; units."a.service".text = "[Service]\n"; }; }).units."nixfleet-tmpfiles.service".text
      ''
        [Unit]
        After=systemd-tmpfiles-setup.service
        Before=a.service b.service
        Description=Files and directories by NixFleet's rules
        Documentation=man:tmpfiles.d(5)

        [Service]
        ExecStart=/usr/bin/systemd-tmpfiles --create /etc/tmpfiles.d/nixfleet.conf
        RemainAfterExit=true
        Type=oneshot

        [Install]
        WantedBy=multi-user.target
      ''
    ]
    [ (of { }).units { } ]
  ];

  sysctl = [
    [ (of { sysctl = { "net.ipv4.ip_forward" = true; "kernel.panic" = 5; "vm.x" = false; "a.b" = "1 2"; "c.d" = null; }; }).files."/etc/sysctl.d/60-nixfleet.conf".text "a.b=1 2\nkernel.panic=5\nnet.ipv4.ip_forward=1\nvm.x=0\n" ]
    [
      (plain (of { sysctl."net.ipv4.ip_forward" = 1; }).units."nixfleet-sysctl.service".text)
      ''
        [Unit]
        After=systemd-sysctl.service
        Description=Settings of the kernel by NixFleet
        Documentation=man:sysctl.d(5)

        [Service]
        ExecStart=nixfleet-sysctl/bin/nixfleet-sysctl
        RemainAfterExit=true
        Type=oneshot

        [Install]
        WantedBy=multi-user.target
      ''
    ]
    # A change of a value is a change of the unit.
    [ ((of { sysctl."a.b" = 1; }).units == (of { sysctl."a.b" = 2; }).units) false ]
    [ (of { sysctl."a.b" = null; }).files { } ]
  ];

  environment = [
    [ (of { environment.variables = { A = "x"; B = [ "$PATH" "/b" ]; C = 1; D = null; E = "a\"b\\\"c"; }; }).files."/etc/profile.d/nixfleet.sh".text "export A=\"x\"\nexport B=\"$PATH:/b\"\nexport C=\"1\"\nexport E=\"a\\\"b\\\"c\"\n" ]
    [ (of { profile.d.umask = "umask 027\n"; }).files."/etc/profile.d/umask.sh".text "umask 027\n" ]
  ];

  validate = [
    [ (of { files."/a" = { text = ""; validate = "visudo -cf %s"; }; }).files."/a".validate "visudo -cf %s" ]
    [ ((of { files."/a".text = ""; }).files."/a" ? validate) false ]
  ];
}
