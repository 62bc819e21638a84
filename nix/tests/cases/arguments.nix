# What reaches modules as arguments, and from where modules come.
{ lib }:
let
  inherit (lib)
    evalModules
    mkDefault
    mkForce
    mkIf
    mkMerge
    mkOption
    types
    ;
  ev = modules: evalModules { inherit modules; };
  cfg = modules: (ev modules).config;
  opts = modules: (ev modules).options;
  at = file: module: { _file = file; } // module;
  t = type: mkOption { inherit type; };
  td = type: default: mkOption { inherit type default; };
  int = t types.int;
  ints = td (types.listOf types.int) [ ];
  strs = td (types.listOf types.str) [ ];
  # The value of an option of a type with definitions from f1, f2, …
  one =
    type: values:
    (cfg (
      [ { options.a = t type; } ]
      ++ lib.imap1 (n: a: {
        _file = "f${toString n}";
        inherit a;
      }) values
    )).a;
in
{
  # Paths, strings, functions, functors, one in another; each once.
  imports = [
    [ (cfg [ { options.a = strs; } (args: { a = builtins.attrNames args; }) ]) { a = [ "_class" "_prefix" "config" "lib" "options" "specialArgs" ]; } "25.11" ]
    [ (cfg [ { options.a = ints; } { __functor = self: { lib, ... }: { a = [ self.n ]; }; n = 4; } ]) { a = [ 4 ]; } ]
    [ (cfg [ { options.a = ints; config._module.args.q = 3; } (lib.setFunctionArgs (args: { a = [ args.q ]; }) { q = false; }) ]) { a = [ 3 ]; } ]
    [
      ((evalModules { specialArgs.which = [ ../fixtures/imports/a.nix ]; modules = [ ({ which, ... }: { imports = which; }) ]; }).config)
      { fromA = [ "a" ]; }
    ]
    [
      ((evalModules { specialArgs.on = false; modules = [ ({ on, lib, ... }: { options.a = ints; imports = lib.optional on ../fixtures/imports/nope.nix; }) ]; }).config)
      { a = [ ]; }
    ]
    [
      (cfg [
        { options.a = ints; imports = [ { a = [ 1 ]; imports = [ { a = [ 2 ]; } ]; } { a = [ 3 ]; } ]; config.a = [ 4 ]; }
        { a = [ 5 ]; imports = [ { a = [ 6 ]; } ]; }
      ])
      { a = [ 2 6 3 1 5 4 ]; }
    ]
    [ (cfg [ { options.a = ints; } { require = [ { a = [ 1 ]; } ]; a = [ 2 ]; } ]) { a = [ 1 2 ]; } ]
    [ (cfg [ { options.a = ints; } (mkIf true { a = [ 1 ]; }) ]) { a = [ 1 ]; } ]
    [ (cfg [ { options.a = ints; config.a = [ 2 ]; } (mkForce { a = [ 1 ]; }) ]) { a = [ 1 ]; } ]
    [
      ((evalModules { specialArgs.roles = { web = { a = [ 1 ]; }; db = { a = [ 2 ]; }; }; specialArgs.want = [ "db" "web" ]; modules = [ ({ roles, want, ... }: { options.a = ints; imports = map (r: roles.${r}) want; }) ]; }).config)
      { a = [ 1 2 ]; }
    ]
    [ (cfg [ { options.a = ints; } { key = "k"; a = [ 1 ]; } { key = "k"; a = [ 2 ]; } { key = "l"; a = [ 3 ]; } ]) { a = [ 3 1 ]; } ]
    [ (cfg [ { options.a = ints; } ({ ... }: { key = "k"; a = [ 1 ]; }) { imports = [ ({ ... }: { key = "k"; a = [ 1 ]; }) ]; } ]) { a = [ 1 ]; } ]
    [ (cfg [ { imports = [ "${../fixtures/imports}/a.nix" ]; } ]) { fromA = [ "a" ]; } ]
  ];

  # Which names are the module's and which are options.
  shortAndLongForm = [
    [ (cfg [ { options.meta.x = td types.int 0; } { meta.x = 3; } ]) { meta = { x = 3; }; } ]
    [ (cfg [ { options.meta.x = td types.int 0; } { config = { }; meta.x = 3; } ]) { meta = { x = 3; }; } ]
    [ (cfg [ { options.config = int; } { config.config = 3; } ]) { config = 3; } ]
    [ (cfg [ { options.a = ints; } { _file = "x"; key = "k"; a = [ 1 ]; } { _file = "y"; key = "k"; a = [ 2 ]; } ]) { a = [ 1 ]; } ]
    [ (cfg [ { freeformType = types.attrsOf types.int; x = 1; } ]) { x = 1; } ]
    [ (cfg [ { options.a = ints; config = mkIf true { a = [ 1 ]; }; } ]) { a = [ 1 ]; } ]
    [ (cfg [ { options.a = ints; config = mkMerge [ { a = [ 1 ]; } (mkIf false { a = throw "x"; }) (mkIf true { a = [ 3 ]; }) ]; } ]) { a = [ 1 3 ]; } ]
    [ (one (types.submodule { options.config = td types.int 1; }) [ { config = 4; } ]) { config = 4; } ]
    [
      (one (types.submodule { options.options = td types.int 1; options.imports = ints; }) [ { options = 4; imports = [ 1 ]; } ])
      { imports = [ 1 ]; options = 4; }
    ]
    [
      (one (types.submoduleWith { modules = [ { options.x = td types.int 1; } ]; }) [ { options.y = td types.int 3; config.x = 4; } { y = 5; } ])
      { x = 4; y = 5; }
    ]
    [ (one (types.submodule { options.x = td types.int 1; }) [ ({ ... }: { options.y = td types.int 3; config.x = 4; }) ]) { x = 4; y = 3; } ]
    [
      (one (types.submodule { options.key = td types.int 1; options.meta = td types.int 2; options.freeformType = td types.int 3; }) [ { key = 5; meta = 6; freeformType = 7; } ])
      { freeformType = 7; key = 5; meta = 6; }
    ]
    [ (one (types.submodule { options.x = td types.int 1; }) [ ({ ... }: { imports = [ { x = 3; } ]; }) ]) { x = 3; } ]
  ];

  # _module.args, special arguments, and what every module gets.
  moduleArgs = [
    [
      (cfg [ ({ config, ... }: { options.n = td types.int 7; options.a = ints; config._module.args.x = config.n; }) ({ x, ... }: { a = [ x ]; }) ])
      { a = [ 7 ]; n = 7; }
    ]
    [ (cfg [ { options.a = td types.bool false; config._module.args.x = 1; } (args: { a = args ? x; }) ]) { a = false; } ]
    [ (builtins.attrNames (ev [ { _module.args.x = 1; } ])._module.args) [ "extendModules" "moduleType" "x" ] ]
    [ ((ev [ { _module.args.x = 1; } { _module.args.x = mkForce 2; } ])._module.args.x) 2 ]
    [ ((ev [ { _module.args.x = mkDefault 1; } { _module.args.x = 2; } ])._module.args.x) 2 ]
    [ (cfg [ { options.a = ints; config._module.args = { x = throw "boom"; y = 1; }; } ({ y, ... }: { a = [ y ]; }) ]) { a = [ 1 ]; } ]
    [ (cfg [ { options.a = ints; config._module.args = mkIf true { y = 1; }; } ({ y, ... }: { a = [ y ]; }) ]) { a = [ 1 ]; } ]
    [
      ((evalModules { specialArgs.x = 1; modules = [ { options.a = ints; config._module.args.x = 2; } ({ x, ... }: { a = [ x ]; }) ]; }).config)
      { a = [ 1 ]; }
    ]
    [ ((evalModules { specialArgs.x = 1; modules = [ { options.a = ints; } ({ specialArgs, ... }: { a = [ specialArgs.x ]; }) ]; }).config) { a = [ 1 ]; } ]
    [ ((evalModules { specialArgs.x = 1; modules = [ ]; })._module.specialArgs) { x = 1; } ]
    [
      ((evalModules { specialArgs.lib = lib // { hey = 3; }; modules = [ ({ lib, ... }: { options.a = lib.mkOption { default = lib.hey; }; }) ]; }).config)
      { a = 3; }
    ]
    [
      ((evalModules { class = "c"; prefix = [ "p" ]; modules = [ ({ _class, _prefix, lib, ... }: { options.a = lib.mkOption { default = [ _class _prefix ]; }; }) ]; }).config)
      { a = [ "c" [ "p" ] ]; }
      "25.11"
    ]
    [
      (cfg [ ({ extendModules, lib, ... }: { options.a = ints; options.b = lib.mkOption { }; config.b = (extendModules { modules = [ { b = mkForce 1; a = [ 5 ]; } ]; }).config.a; }) ])
      { a = [ ]; b = [ 5 ]; }
    ]
    [
      (cfg [ ({ options, ... }: { options.a = ints; options.b = td types.bool false; config.b = options.a.isDefined; }) { a = [ 1 ]; } ])
      { a = [ 1 ]; b = true; }
    ]
    [
      (cfg [ { options._module.args = mkOption { internal = true; }; options.a = ints; config._module.args.q = 1; } ({ q, ... }: { a = [ q ]; }) ])
      { a = [ 1 ]; }
    ]
    [ ((opts [ (at "q" { _module.args.x = 1; }) ])._module.args.files) [ "lib/modules.nix" "q" ] ]
    [
      ((cfg [ { options.a = t (types.attrsOf (types.submodule ({ name, ... }: { options.n = td types.str name; config._module.args.name = mkForce "other"; }))); config.a = { x = { }; }; } ]).a)
      { x = { n = "other"; }; }
    ]
    [
      ((cfg [ { options.a = t (types.submodule ({ extra, ... }: { options.n = td types.int extra; config._module.args.extra = 4; })); config.a = { }; } ]).a)
      { n = 4; }
    ]
    [ (one (types.submodule ({ q, ... }: { options.x = td types.int q; })) [ { _module.args.q = 5; } ]) { x = 5; } ]
    [ (one (types.submoduleWith { specialArgs.q = 5; modules = [ { options.x = td types.int 1; } ]; }) [ ({ q, ... }: { x = q; }) ]) { x = 5; } ]
    [
      ((cfg [ { options.a = t (types.attrsOf (types.submodule ({ _prefix, ... }: { options.n = td types.anything _prefix; }))); config.a.k = { }; } ]).a)
      { k = { n = [ "a" "k" ]; }; }
      "25.11"
    ]
  ];

  # What no option takes, with the check off.
  check = [
    [ (cfg [ { _module.check = false; a.zzz = 1; } { options.a.b = td types.int 1; } ]) { a = { b = 1; }; } ]
    [ (cfg [ ({ config, ... }: { options.lax = td types.bool true; config._module.check = !config.lax; }) { zzz = 1; } ]) { lax = true; } ]
    [ (one (types.submodule { options.x = td types.int 1; }) [ { _module.freeformType = types.attrsOf types.int; z = 4; } ]) { x = 1; z = 4; } ]
  ];

  # By path, by key, below modulesPath; and what a disabled module imports.
  disabledModules = [
    # Of modules with one key the first counts, but all may disable others.
    [
      (cfg [ { options.l = ints; } { key = "a"; l = [ 1 ]; } { key = "a"; l = [ 2 ]; disabledModules = [ { key = "b"; } ]; } { key = "b"; l = [ 3 ]; } ])
      { l = [ 1 ]; }
    ]
    [ (cfg [ ({ ... }: { key = "a"; options.x = td types.int 1; }) { key = "a"; options.y = td types.int 2; } ]) { x = 1; } ]
    [
      (cfg [ ../fixtures/imports/b.nix { options.q = td types.int 1; disabledModules = [ ../fixtures/imports/b.nix ]; } ../fixtures/imports/a.nix ])
      { fromA = [ "a" ]; q = 1; }
    ]
    [
      ((evalModules { specialArgs.modulesPath = ../fixtures/imports; modules = [
        ../fixtures/imports/a.nix
        ../fixtures/imports/b.nix
        { disabledModules = [ "b.nix" ]; }
      ]; }).config)
      { fromA = [ "a" ]; }
    ]
    [ (cfg [ { options.a = ints; disabledModules = [ "/k" ]; } { key = "/k"; a = [ 1 ]; } ]) { a = [ ]; } ]
    [
      (cfg [ { options.a = ints; imports = [ { key = "p"; imports = [ { key = "c"; a = [ 1 ]; } ]; } ]; disabledModules = [ { key = "p"; } ]; } ])
      { a = [ ]; }
    ]
    [
      (cfg [ { options.a = ints; imports = [ { key = "p"; imports = [ { key = "c"; a = [ 1 ]; } ]; } { key = "c"; a = [ 1 ]; } ]; disabledModules = [ { key = "p"; } ]; } ])
      { a = [ 1 ]; }
    ]
    [
      (cfg [
        { options.a = ints; }
        { key = "x"; a = [ 1 ]; disabledModules = [ { key = "y"; } ]; }
        { key = "y"; a = [ 2 ]; }
        { disabledModules = [ { key = "x"; } ]; }
      ])
      { a = [ ]; }
    ]
    [
      (one (types.submoduleWith { modules = [ { key = "k"; config.x = 3; } { options.x = td types.int 1; } ]; }) [ { disabledModules = [ { key = "k"; } ]; } ])
      { x = 1; }
    ]
  ];
}
