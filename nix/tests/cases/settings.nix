# Options that become files of the host, and services of NixFleet's own that carry them out.
{ lib }:
let
  fleet = import ../fleet.nix { inherit lib; };
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
    [ (fleet.result { hosts.h = { base = "ubuntu"; addr = "x"; }; modules = [ { nixfleet = { systemd.tmpfiles.rules = [ "d /a" ]; firewall.enable = true; }; } ]; }).warnings [ ] ]
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
        ExecReload=nixfleet-sysctl/bin/nixfleet-sysctl
        ExecStart=nixfleet-sysctl/bin/nixfleet-sysctl
        ExecStop=nixfleet-sysctl/bin/nixfleet-sysctl stop
        RemainAfterExit=true
        Type=oneshot

        [Install]
        WantedBy=multi-user.target
      ''
    ]
    # A change of a value is a change of the unit.
    [ ((of { sysctl."a.b" = 1; }).units == (of { sysctl."a.b" = 2; }).units) false ]
    # What stays set is so all the time.
    [ (of { sysctl."a.b" = 1; }).units."nixfleet-sysctl.service".onChange "reload" ]
    [ (of { sysctl."a.b" = null; }).files { } ]
  ];

  environment = [
    [ (of { environment.variables = { A = "x"; B = [ "$PATH" "/b" ]; C = 1; D = null; E = "a\"b\\\"c"; }; }).files."/etc/profile.d/nixfleet.sh".text "export A=\"x\"\nexport B=\"$PATH:/b\"\nexport C=\"1\"\nexport E=\"a\\\"b\\\"c\"\n" ]
    [ (of { profile.d.umask = "umask 027\n"; }).files."/etc/profile.d/umask.sh".text "umask 027\n" ]
  ];

  validate = [
    [ (of { files."/a" = { text = ""; validate = "visudo -cf %s"; }; }).files."/a".validate "visudo -cf %s" ]
    [ (of { files."/a".text = ""; }).files."/a".validate null ]
  ];

  firewall = [
    [ (of { firewall.allowedTCPPorts = [ 80 ]; }).files { } ]
    [ (of { firewall.enable = true; }).units."nixfleet-firewall.service".enabled null ]
    [ (let f = (of { firewall.enable = true; }).files."/etc/nixfleet/firewall.nft"; in [ f.validate f.reloadUnits f.mode ]) [ "nft -c -f %s" [ "nixfleet-firewall.service" ] "0600" ] ]
    [
      (of {
        firewall = {
          enable = true;
          allowedTCPPorts = [ 443 80 ];
          allowedTCPPortRanges = [ { from = 8000; to = 8010; } { from = 9000; to = 9000; } ];
          allowedUDPPorts = [ 53 ];
          rejectPackets = true;
          trustedInterfaces = [ "wg0" ];
          trustedSources = [ "10.0.0.0/8" "fd00::/8" ];
          interfaces.eth1.allowedTCPPorts = [ 80 ];
          sources."10.1.0.0/16".allowedUDPPortRanges = [ { from = 1; to = 2; } ];
          extraInputRules = "ip saddr 192.0.2.7 accept\n";
          extraRules = "set s {\n  type ipv4_addr\n}\n";
        };
      }).files."/etc/nixfleet/firewall.nft".text
      ''
        # The table of NixFleet. It is replaced as a whole; other tables stay as they are.
        table inet nixfleet
        delete table inet nixfleet
        table inet nixfleet {
          chain input {
            type filter hook input priority filter; policy drop;
            ct state { established, related } accept
            ct state invalid drop
            iifname "lo" accept
            iifname "wg0" accept
            icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem, nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, mld-listener-query } accept
            icmp type { destination-unreachable, time-exceeded, parameter-problem } accept
            ip6 saddr fe80::/10 udp dport 546 accept
            udp sport 67 udp dport 68 accept
            tcp dport { 22 } accept
            icmp type echo-request accept
            icmpv6 type echo-request accept
            ip saddr 10.0.0.0/8 accept
            ip6 saddr fd00::/8 accept
            tcp dport { 80, 443, 8000-8010, 9000 } accept
            udp dport { 53 } accept
            iifname "eth1" tcp dport { 80 } accept
            ip saddr 10.1.0.0/16 udp dport { 1-2 } accept
            ip saddr 192.0.2.7 accept
            meta l4proto tcp reject with tcp reset
            reject
          }
          set s {
            type ipv4_addr
          }
        }
      ''
    ]
    # The guard against locking oneself out: the port by which the inventory reaches the host is open.
    [
      (lib.hasInfix "tcp dport { 22, 2222 } accept"
        (fleet.result { hosts.h = { base = "ubuntu"; addr = "x"; port = 2222; modules = [ { nixfleet.firewall.enable = true; } ]; }; }).hosts.h.files."/etc/nixfleet/firewall.nft".text)
      true
    ]
    [ (map (word: lib.hasInfix word (of { firewall = { enable = true; allowSSH = false; allowPing = false; }; }).files."/etc/nixfleet/firewall.nft".text) [ "22" "echo" ]) [ false false ] ]
  ];

  keys = [
    [
      (removeAttrs (of { users.ada = { keys = [ "ssh-ed25519 AAAAC3 a" ]; openssh.authorizedKeys = { keys = [ "from=\"10.0.0.1\" ssh-rsa AAAAB3 b" "ssh-ed25519 AAAAC3 a" ]; keyFiles = [ ../fixtures/ada.pub ]; }; }; }).files."/home/ada/.ssh/authorized_keys" [ "at" ])
      { text = "ssh-ed25519 AAAAC3 a\nfrom=\"10.0.0.1\" ssh-rsa AAAAB3 b\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBx1 ada@desk\n# another\nssh-rsa AAAAB3Nz ada\n"; source = null; symlink = null; mode = "0600"; owner = "ada"; group = "ada"; restartUnits = [ ]; reloadUnits = [ ]; validate = null; adopt = false; }
    ]
    [ (removeAttrs (of { users.ada = { group = "users"; home = "/srv/ada"; adopt = true; keys = [ "sk-ssh-ed25519@openssh.com AAAAC3 a" ]; }; }).directories."/srv/ada/.ssh" [ "at" ]) { mode = "0700"; owner = "ada"; group = "users"; adopt = true; } ]
    [ (of { users.ada.keys = [ "ssh-rsa AAAAB3 b" ]; directories."/home/ada/.ssh".mode = "0750"; }).directories."/home/ada/.ssh".mode "0750" ]
    [ ((of { users.ada.keys = [ "ssh-rsa AAAAB3 b" ]; }).users.ada ? keys) false ]
    [ (of { users.ada = { }; }).files { } ]
  ];

  members = [
    [ (of { users = { ada.extraGroups = [ "a" "ops" ]; bob = { }; }; groups = { ops.members = [ "ada" "bob" ]; zoo.members = [ "ada" ]; }; }).users.ada.extraGroups [ "a" "ops" "zoo" ] ]
    [ (removeAttrs (of { users.bob = { }; groups.ops = { gid = 5; members = [ "bob" ]; }; }).groups.ops [ "at" ]) { gid = 5; system = false; adopt = false; } ]
  ];

  healthChecks = [
    [
      (lib.mapAttrs (_: c: removeAttrs c [ "at" ]) (of { healthChecks = { a.unit = "x.service"; b = { url = "http://x/"; body = "ok"; from = "controller"; }; c.port = 1; d = { command = "true"; startDelay = "1s"; interval = "3s"; timeout = "4s"; retries = 0; }; }; }).healthChecks)
      {
        a = { kind = "unit"; from = "host"; unit = "x.service"; startDelay = "0s"; interval = "2s"; timeout = "5s"; retries = 15; };
        b = { kind = "http"; from = "controller"; url = "http://x/"; status = 200; body = "ok"; startDelay = "0s"; interval = "2s"; timeout = "5s"; retries = 15; };
        c = { kind = "tcp"; from = "host"; port = 1; startDelay = "0s"; interval = "2s"; timeout = "5s"; retries = 15; };
        d = { kind = "command"; from = "host"; command = "true"; startDelay = "1s"; interval = "3s"; timeout = "4s"; retries = 0; };
      }
    ]
    # What a command refers to comes along.
    [ ((of { }).closure == (fleet.host [ ({ pkgs, ... }: { nixfleet.healthChecks.a.command = "${pkgs.writeText "x" "y"}"; }) ]).closure) false ]
  ];

  hooks = [
    [
      (removeAttrs (of { hooks.a = { when = "before-reboot"; on = "controller"; command = "true"; timeout = "1m"; required = false; always = true; }; }).hooks.a [ "at" ])
      { when = "before-reboot"; on = "controller"; command = "true"; timeout = "1m"; required = false; always = true; }
    ]
    [ (removeAttrs (of { hooks.a = { when = "after-activation"; command = "true"; }; }).hooks.a [ "at" ]) { when = "after-activation"; on = "host"; command = "true"; timeout = "5m"; required = true; always = false; } ]
  ];

  tasks = [
    [ (removeAttrs (of { tasks.a = { command = "true"; environment.A = "b"; description = "d"; user = "u"; timeout = "1h"; }; }).tasks.a [ "at" ]) { command = "true"; environment.A = "b"; description = "d"; user = "u"; timeout = "1h"; } ]
  ];

  reboot = [
    [ ((of { }) ? reboot) false ]
    [ (of { reboot.windows = [ "Sun 02:00-04:00" "Mon-Fri 03:00-03:30" "Sat,Sun 00:00-24:00" "04:00-05:00" ]; }).reboot { auto = false; windows = [ "Sun 02:00-04:00" "Mon-Fri 03:00-03:30" "Sat,Sun 00:00-24:00" "04:00-05:00" ]; deadline = "10m"; stability = "10s"; } ]
  ];

  secrets = [
    [
      (removeAttrs (of { secrets.db = { file = ../fixtures/secret.age; mode = "440"; owner = "o"; group = "g"; restartUnits = [ "a.service" ]; reloadUnits = [ "b.service" ]; }; }).secrets.db [ "at" ])
      { text = builtins.readFile ../fixtures/secret.age; path = "/run/nixfleet-secrets/db"; mode = "0440"; owner = "o"; group = "g"; restart = [ "a.service" ]; reload = [ "b.service" ]; }
    ]
    [ (of { secrets.db = { file = ../fixtures/secret.age; path = "/run/nixfleet-secrets/a/b"; }; }).secrets.db.path "/run/nixfleet-secrets/a/b" ]
  ];
}
