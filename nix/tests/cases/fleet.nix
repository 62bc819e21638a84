# mkFleet, the intent options and what the compiler gets of them.
{ lib }:
let
  # With our own lib the bundled path is tested, with another one the path of a given nixpkgs.
  ours = import ../../lib/prelude;
  fleet = import ../fleet.nix { inherit lib; };
  inherit (fleet) host result result' inventory;

  addr = n: { base = "ubuntu"; addr = "10.0.0.${toString n}"; };
  noRollout = {
    maxParallel = null;
    spread = [ ];
    canary = null;
    waves = [ ];
    soak = null;
    failureBudget = null;
    waveFailureBudget = null;
    onFailure = null;
    offline = null;
    maxConcurrentReboots = null;
    rebootWindow = null;
    gate = null;
    at = { };
  };
  withoutPlaces = set: set // { fleet = set.fleet // { rollout = set.fleet.rollout // { at = { }; }; }; };
  file = attrs: (host [ { nixfleet.files."/etc/x" = attrs; } ]).files."/etc/x";
  without = names: set: removeAttrs set names;
  design = import ../../../goldens/original-design/fleet/flake.nix;
  designed =
    fleet.view (
      fleet.compile {
        output = (design.outputs { }).nixfleet;
        request = { version = 1; inventory = null; inputs = { }; select = null; };
      }
    );
  layered =
    (result {
      defaults = { base = "ubuntu"; user = "ops"; hostKeys = [ "a" ]; tags = { site = "x"; tier = "1"; }; vars = { l = [ 1 ]; s.a = 1; }; osUpdates.ubuntu.holds = [ "d" ]; };
      groups.g = { port = 2222; hostKeys = [ "b" "a" ]; tags.tier = "2"; vars.l = [ 2 ]; osUpdates.ubuntu = { mode = "full-weekly"; holds = [ "g" ]; }; };
      groups.all.proxyJump = "bastion";
      hosts.h = { addr = "10.0.0.1"; groups = [ "g" ]; hostKeys = [ "c" ]; tags.own = "3"; vars.s.b = 2; osUpdates.ubuntu.holds = [ "h" "d" ]; };
      modules = [ ({ host, ... }: { nixfleet.files."/etc/vars".text = builtins.toJSON { inherit (host) vars tags; }; }) ];
    }).hosts.h;
in
{
  mkFleet = [
    [ (without [ "hosts" "libraryVersion" "part" "texts" ] (result { hosts.h = addr 1; })) {
      version = 1;
      fleet = { name = "fleet"; timeZone = "UTC"; rollout = noRollout; rollouts = { }; groupRollouts = { }; };
      groups.all = [ "h" ];
      hostNames = [ "h" ];
      problems = [ ];
      warnings = [ ];
    } ]
    # An empty host, in full.
    [ (without [ "closure" ] (result { hosts.h = addr 1; }).hosts.h) {
      base = "ubuntu";
      system = "x86_64-linux";
      connection = { address = "10.0.0.1"; port = 22; user = "deploy"; hostKeys = [ ]; proxyJump = null; };
      roles = [ ];
      memberOf = [ ];
      tags = { };
      rebootWindows = [ ];
      byInstall = [ ];
      osUpdates.ubuntu = { mode = "manual"; autoReboot = false; rebootWindows = [ ]; holds = [ ]; maxConcurrentReboots = null; };
      packages = [ ];
      files = { };
      directories = { };
      units = { };
      users = { };
      groups = { };
      healthChecks = { };
      hooks = { };
      tasks = { };
      secrets = { };
      masks = { };
      restarts = [ ];
      activation = { confirmWindow = "60s"; keepGenerations = 10; };
    } ]
    # The inventory and the flake together.
    [
      (withoutPlaces (without [ "hosts" "libraryVersion" "part" "problems" "texts" "warnings" ] (result' (inventory { name = "x"; timeZone = "Europe/Berlin"; groups.web = null; hosts.a = addr 1 // { groups = [ "web" ]; }; rollout.canary = "10%"; }) { hosts.b = addr 2; rollout.maxParallel = 3; })))
      {
        version = 1;
        fleet = { name = "x"; timeZone = "Europe/Berlin"; rollout = noRollout // { maxParallel = 3; canary = "10%"; }; rollouts = { }; groupRollouts = { }; };
        groups = { all = [ "a" "b" ]; web = [ "a" ]; };
        hostNames = [ "a" "b" ];
      }
    ]
    [ (lib.attrNames (result { inventory = { hosts.a = addr 1; }; hosts.b = addr 2; }).hosts) [ "a" "b" ] ]
    # Layers: the host over its groups over the defaults; lists that collect.
    [ layered.connection { address = "10.0.0.1"; port = 2222; user = "ops"; hostKeys = [ "a" "b" "c" ]; proxyJump = "bastion"; } ]
    [ (builtins.fromJSON layered.files."/etc/vars".text) { tags = { own = "3"; site = "x"; tier = "2"; }; vars = { l = [ 2 ]; s = { a = 1; b = 2; }; }; } ]
    [ layered.osUpdates.ubuntu { mode = "full-weekly"; autoReboot = false; rebootWindows = [ ]; holds = [ "d" "g" "h" ]; maxConcurrentReboots = null; } ]
    # Selecting: by pattern, by group, and what is not selected is not evaluated.
    [ (lib.attrNames (result' { select = { hosts = [ "web-.*" ]; groups = [ ]; }; } { hosts = { web-1 = addr 1; web-2 = addr 2; db-1 = addr 3; }; }).hosts) [ "web-1" "web-2" ] ]
    [ (lib.attrNames (result' { select = { hosts = [ ]; groups = [ "g" ]; }; } { groups.g = { }; hosts = { a = addr 1 // { groups = [ "g" ]; }; b = addr 2; }; }).hosts) [ "a" ] ]
    [ (result' { select = { hosts = [ "a" ]; groups = [ ]; }; } { hosts = { a = addr 1; b = { modules = [ (throw "not evaluated") ]; }; }; }).hostNames [ "a" "b" ] ]
    # Roles, modules of a host, arguments.
    [ (lib.attrNames (result { roles.r = { nixfleet.files."/r".text = ""; }; hostModules.h.nixfleet.files."/h".text = ""; modules = { nixfleet.files."/m".text = ""; }; hosts.h = addr 1 // { roles = [ "r" ]; }; }).hosts.h.files) [ "/h" "/m" "/r" ] ]
    [
      (result {
        hosts = { a = addr 1 // { tags.t = "1"; vars.v = 2; }; b = addr 2; };
        specialArgs.extra = "e";
        packages = pkgs: { tool = pkgs.writeText "tool" "x"; twice = pkgs.tool; };
        modules = [ ({ host, hosts, extra, pkgs, nixfleet, inputs, ... }: { nixfleet.files."/x".text = "${host.name} ${host.tags.t or "-"} ${toString (host.vars.v or 0)} ${hosts.b.addr} ${extra} ${builtins.readFile pkgs.twice} ${nixfleet.version} ${toString (lib.attrNames inputs)}"; }) ];
      }).hosts.a.files."/x".text
      "a 1 2 10.0.0.2 e x ${fleet.nixfleet.version} "
    ]
    # An empty inventory file; groups nobody is in.
    [ (result' (inventory null) { groups.g = { }; hosts.h = addr 1; }).groups { all = [ "h" ]; g = [ ]; } ]
    # A nixpkgs: its packages, with the fleet's own on top.
    [
      (result {
        nixpkgs = { inherit lib; legacyPackages.x86_64-linux = { hello = builtins.toFile "hello" ""; other = "theirs"; }; };
        packages = pkgs: { other = "ours"; greeting = pkgs.hello; };
        hosts.h = addr 1;
        modules = [ ({ pkgs, ... }: { nixfleet.files."/x".text = "${baseNameOf pkgs.greeting} ${pkgs.other} ${toString (pkgs ? fromFile)}"; }) ];
      }).hosts.h.files."/x".text
      "${baseNameOf (builtins.unsafeDiscardStringContext (builtins.toFile "hello" ""))} ours 1"
    ]
    # Modules count in the order they are listed in, wherever they are written.
    [
      (result {
        hosts.h = addr 1;
        modules = [ { options.a = lib.mkOption { type = lib.types.listOf lib.types.int; }; config.a = [ 1 ]; } ../fixtures/module.nix ({ lib, ... }: { a = [ 2 ]; }) ({ config, ... }: { nixfleet.files."/x".text = toString config.a; }) ];
      }).hosts.h.files."/x".text
      "2 9 1"
    ]
    # The second form: the flake's own mkFleet, whose result takes the request as well.
    [ (fleet.compile { output = fleet.nixfleet.mkFleet { hosts.h = addr 1; }; request = { version = 1; }; }).hostNames [ "h" ] ]
  ];

  # Everything in the original design, as it is written there.
  originalDesign = [
    [ designed.hostNames [ "gpu-1" "web-1" ] ]
    [ designed.hosts.gpu-1.closure null ]
    [ designed.hosts.gpu-1.osUpdates.nixos { autoSwitch = true; } ]
    [ designed.hosts.web-1.osUpdates.ubuntu { mode = "security-daily"; autoReboot = true; rebootWindows = [ "Sun 02:00-04:00" ]; holds = [ "nvidia-driver-*" ]; maxConcurrentReboots = 1; } ]
    [
      (without [ "at" ] designed.hosts.web-1.files."/etc/myapp/config.json")
      { text = "{\"port\":8080}"; source = null; symlink = null; mode = "0640"; owner = "root"; group = "myapp"; restartUnits = [ "myapp.service" ]; reloadUnits = [ ]; validate = null; adopt = false; }
    ]
    [ (lib.head designed.hosts.web-1.restarts) { unit = "myapp.service"; restart = [ "/etc/myapp/config.json" ]; reload = [ ]; } ]
    [ (without [ "at" ] designed.hosts.web-1.users.myapp) { system = true; uid = 991; group = "myapp"; home = "/var/lib/myapp"; createHome = false; shell = "/usr/sbin/nologin"; extraGroups = [ ]; description = ""; adopt = false; } ]
    [ (without [ "at" ] designed.hosts.web-1.groups.myapp) { gid = null; system = true; adopt = false; } ]
    [ designed.hosts.web-1.units."myapp.service".enabled true ]
    [ (map (p: builtins.substring 44 (-1) p) designed.hosts.web-1.packages) [ "git" "nginx" ] ]
  ];

  files = [
    [ (file { text = "a"; mode = "600"; }).mode "0600" ]
    [ (file { text = "a"; mode = "4755"; }).mode "4755" ]
    [ (file { symlink = "/etc/y"; }).symlink "/etc/y" ]
    [ (lib.hasSuffix "-module.nix" (file { source = ../fixtures/module.nix; }).source) true ]
    [ (host [ { nixfleet.files."/x".text = "a"; } { nixfleet.files."/x".text = "b"; } ]).files."/x".text "a\nb" ]
    [ (host [ { nixfleet.files."/x" = { text = "a"; mode = "0600"; }; } { nixfleet.files."/x".mode = lib.mkForce "0640"; } ]).files."/x".mode "0640" ]
    [ (builtins.match ".*fleet[.]nix:[0-9]+" (file { text = ""; }).at != null) true ]
    [ (builtins.hasContext (file { text = "${../fixtures/module.nix}"; }).text) false ]
  ];

  accounts = [
    [ (host [ { nixfleet.users.u = { }; } ]).users.u.group "u" ]
    [ (lib.attrNames (host [ { nixfleet.users.u.group = "other"; nixfleet.groups.g = { }; } ]).groups) [ "g" ] ]
    [ (host [ { nixfleet.users.u = { }; nixfleet.groups.u.gid = 5; } ]).groups.u.gid 5 ]
    # What a user has where the intent does not say.
    [
      (lib.mapAttrs (_: u: { inherit (u) home shell extraGroups; }) (host [ { nixfleet.users = { ada.extraGroups = [ "z" "a" "z" ]; app.system = true; own = { home = "/srv"; shell = "/bin/sh"; }; }; } ]).users)
      {
        ada = { home = "/home/ada"; shell = "/bin/bash"; extraGroups = [ "a" "z" ]; };
        app = { home = "/nonexistent"; shell = "/usr/sbin/nologin"; extraGroups = [ ]; };
        own = { home = "/srv"; shell = "/bin/sh"; extraGroups = [ ]; };
      }
    ]
  ];

  # The restart map: sorted by unit; where a change asks for both, a restart does both.
  restarts = [
    [
      (host [
        {
          nixfleet.files = {
            "/etc/b" = { text = ""; restartUnits = [ "z.service" "a.service" ]; reloadUnits = [ "a.service" "ssh.service" ]; };
            "/etc/a" = { text = ""; restartUnits = [ "a.service" "a.service" ]; };
            "/etc/c".text = "";
          };
        }
      ]).restarts
      [
        { unit = "a.service"; restart = [ "/etc/a" "/etc/b" ]; reload = [ ]; }
        { unit = "ssh.service"; restart = [ ]; reload = [ "/etc/b" ]; }
        { unit = "z.service"; restart = [ "/etc/b" ]; reload = [ ]; }
      ]
    ]
  ];

  # Lists as a plan has them, and texts once.
  frozen = [
    [ (map (f: f.path) (fleet.raw { } { hosts.h = addr 1; modules = [ { nixfleet.files = { "/b".text = "x"; "/a".text = "x"; }; } ]; }).hosts.h.manifest.files) [ "/a" "/b" ] ]
    [ (fleet.raw { } { hosts = { a = addr 1; b = addr 2; }; modules = [ { nixfleet.files = { "/b".text = "x"; "/a".text = "x"; }; } ]; }).texts [ "x" ] ]
    [ (host [ ({ pkgs, ... }: { nixfleet.packages = [ (pkgs.writeText "b" "") (pkgs.writeText "a" "") (pkgs.writeText "b" "") ]; }) ] ).packages (lib.sort lib.lessThan (host [ ({ pkgs, ... }: { nixfleet.packages = [ (pkgs.writeText "a" "") (pkgs.writeText "b" "") ]; }) ]).packages) ]
    [ (host [ { nixfleet.reboot.auto = true; } ]).reboot { auto = true; windows = [ ]; deadline = "10m"; stability = "10s"; } ]
    [
      (let s = (host [ { nixfleet.secrets.s = { file = ../fixtures/secret.age; restartUnits = [ "b.service" "a.service" ]; reloadUnits = [ "a.service" "c.service" ]; }; } ]).secrets.s; in [ s.path s.restart s.reload ])
      [ "/run/nixfleet-secrets/s" [ "a.service" "b.service" ] [ "c.service" ] ]
    ]
  ];

  # What a base cannot do is told with what to write instead.
  bases = [
    [ (import ../../lib/backends { lib = ours; }).names [ "ubuntu" "debian" "nixos" ] ]
    [
      (let
        options = (ours.evalModules {
          modules = [ { _file = "nixfleet: x.nix"; options = { a.b = ours.mkOption { default = 1; }; c = ours.mkOption { default = 1; }; d = ours.mkOption { default = 1; }; }; } { _file = "/nix/store/x/modules/web.nix"; config = { a.b = 2; d = 2; }; } ];
        }).options;
      in
      (import ../../lib/backends { lib = ours; }).unsupported "plan9" { alternatives = { "a.b" = "write e"; c = "write f"; }; } options)
      [ "nixfleet.a.b: hosts of base plan9 do not have this option, which is set in modules/web.nix; write e" ]
    ]
  ];

  # The closure refers to what the texts mention, and does not tell the host.
  closures = [
    [
      (
        let
          two = result {
            hosts = { a = addr 1; b = addr 2; };
            modules = [ ({ pkgs, host, ... }: { nixfleet.systemd.units."x.service".text = "ExecStart=${pkgs.writeShellScript "run" "true"}"; nixfleet.files."/name".text = host.name; }) ];
          };
        in
        two.hosts.a.closure == two.hosts.b.closure
      )
      true
    ]
    [ (lib.hasSuffix "-nixfleet-system.drv" (host [ ]).closure.derivation) true ]
    [ ((host [ ]).closure == (host [ ({ pkgs, ... }: { nixfleet.files."/x".text = "${pkgs.writeText "x" "y"}"; }) ]).closure) false ]
  ];

  warnings = [
    [ (result { hosts.h = addr 1; modules = [ { warnings = [ "careful" ]; } ]; }).warnings [ { host = "h"; message = "careful"; } ] ]
  ];

  # Every intent option says what it is, and all but the outermost give an example.
  documented = [
    [
      (
        let
          options = ours.optionAttrSetToDocList (removeAttrs (ours.evalModules { inherit (import ../../lib/intent { lib = ours; }) modules; }).options [ "_module" ]);
          visible = ours.filter (o: !ours.hasInfix "_module" o.name) options;
        in
        map (o: o.name) (ours.filter (o: o.description or null == null || !(o ? example)) visible)
      )
      [ ]
    ]
  ];
}
