# What reaches modules as arguments, and from where modules come.
{ lib }:
let
  inherit (lib)
    evalModules
    mkBefore
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
  withWarnings = {
    options.warnings = strs;
    options.assertions = td (types.listOf types.unspecified) [ ];
  };
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
      (cfg [ { options.a = ints; imports = [ { a = [ 1 ]; imports = [ { a = [ 2 ]; } ]; } { a = [ 3 ]; } ]; config.a = [ 4 ]; } { a = [ 5 ]; imports = [ { a = [ 6 ]; } ]; } ])
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
    [
      (cfg [ ../fixtures/imports/b.nix { options.q = td types.int 1; disabledModules = [ ../fixtures/imports/b.nix ]; } ../fixtures/imports/a.nix ])
      { fromA = [ "a" ]; q = 1; }
    ]
    [
      ((evalModules { specialArgs.modulesPath = ../fixtures/imports; modules = [ ../fixtures/imports/a.nix ../fixtures/imports/b.nix { disabledModules = [ "b.nix" ]; } ]; }).config)
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
      (cfg [ { options.a = ints; } { key = "x"; a = [ 1 ]; disabledModules = [ { key = "y"; } ]; } { key = "y"; a = [ 2 ]; } { disabledModules = [ { key = "x"; } ]; } ])
      { a = [ ]; }
    ]
    [
      (one (types.submoduleWith { modules = [ { key = "k"; config.x = 3; } { options.x = td types.int 1; } ]; }) [ { disabledModules = [ { key = "k"; } ]; } ])
      { x = 1; }
    ]
  ];

  # Who defines and who declares.
  files = [
    [
      ((opts [ { options.a = ints; } { _file = "outer"; imports = [ { a = [ 1 ]; } { _file = "inner"; a = [ 2 ]; imports = [ { a = [ 3 ]; } ]; } ]; } ]).a.files)
      [ "inner" "inner" "outer" ]
    ]
    [ ((opts [ (at "d1" { options.a = ints; }) (at "d2" { options.a = mkOption { description = "x"; }; }) ]).a.declarations) [ "d2" "d1" ] ]
    [ ((opts [ { options.a = ints; } ({ ... }: { _file = "fn"; a = [ 1 ]; }) ]).a.files) [ "fn" ] ]
    [ ((opts [ { options.a = ints; } { _file = 3; a = [ 1 ]; } ]).a.files) [ "3" ] ]
    [
      ((opts [ { options.a = ints; } (lib.setDefaultModuleLocation "dd" { a = [ 1 ]; }) (lib.setDefaultModuleLocation "dd" { _file = "own"; a = [ 1 ]; }) ]).a.files)
      [ "own" "dd" ]
    ]
    [
      (map (f: f) (opts [ { options.a = t (types.attrsOf (types.submodule { options.x = td types.int 1; })); } (at "one" { a.k.x = 1; }) (at "two" { a.j = { }; }) ]).a.files)
      [ "two" "one" ]
    ]
    [
      (cfg [ { options.a = t (types.attrsOf (types.submodule ({ options, ... }: { options.x = td types.int 1; options.f = td types.anything options.x.files; }))); } (at "one" { a.k.x = 1; }) (at "two" { a.k = { }; }) ])
      { a = { k = { f = [ "one" ]; x = 1; }; }; }
    ]
    [
      (cfg [ { options.a = t (types.submodule ({ options, ... }: { options.x = ints; options.f = td types.anything options.x.files; })); } (at "one" { a.x = [ 1 ]; }) (at "two" { a = mkIf true { x = mkBefore [ 2 ]; }; }) (at "three" { a = mkMerge [ { x = [ 3 ]; } ({ ... }: { x = [ 4 ]; }) ]; }) ])
      { a = { f = [ "two" "three" "one" "three" ]; x = [ 2 4 1 3 ]; }; }
    ]
    [
      (cfg [ (at "decl" { options.a = t (types.submodule ({ options, ... }: { options.x = td types.int 1; options.f = td types.anything options.x.declarations; })); }) { a = { }; } ])
      { a = { f = [ "decl" ]; x = 1; }; }
    ]
    [
      (cfg [ (at "decl" { options.a = t (types.attrsOf (types.submodule ({ options, ... }: { _file = "inner"; options.x = td types.int 1; options.f = td types.anything options.x.declarations; }))); }) { a.k = { }; } ])
      { a = { k = { f = [ "inner" ]; x = 1; }; }; }
    ]
    [ ((opts [ { options.x = strs; imports = [ (one types.deferredModule [ { x = [ "1" ]; } ]) ]; } ]).x.files) [ "f1, via option a" ] ]
    [
      ((opts [ withWarnings (lib.mkRenamedOptionModule [ "old" ] [ "new" ]) { options.new = ints; } (at "u" { old = [ 1 ]; }) ]).new.files)
      [ "<unknown-file>" ]
    ]
  ];

  # More modules, again and again; variants of a configuration inside itself.
  extendModules = [
    # Modules that come on top disable what was there, and are none that was there already.
    [
      ((evalModules { modules = [ { key = "k"; options.a = ints; } { options.b = ints; } ]; }).extendModules { modules = [ { disabledModules = [ { key = "k"; } ]; b = [ 2 ]; } ]; }).config
      { b = [ 2 ]; }
    ]
    [
      ((evalModules { modules = [ { key = "k"; options.a = ints; } ]; }).extendModules { modules = [ { key = "k"; a = [ 1 ]; } { a = [ 2 ]; } ]; }).config
      { a = [ 2 ]; }
    ]
    [ (((ev [ { options.a = ints; config.a = [ 1 ]; } ]).extendModules { modules = [ { a = [ 2 ]; } ]; }).config) { a = [ 2 1 ]; } ]
    [
      ((((evalModules { specialArgs.x = 1; modules = [ ({ x, specialArgs, ... }@a: { options.a = td types.attrs { }; config.a = specialArgs; }) ]; }).extendModules { specialArgs.y = 3; }).extendModules { specialArgs.z = 3; }).config)
      { a = { x = 1; y = 3; z = 3; }; }
    ]
    [ (((ev [ { options.a = ints; } ]).extendModules { prefix = [ "p" ]; }).options.a.loc) [ "p" "a" ] ]
    [ (((evalModules { prefix = [ "p" ]; modules = [ { options.a = ints; } ]; }).extendModules { }).options.a.loc) [ "p" "a" ] ]
    [
      (cfg [ { options.s = mkOption { type = ((ev [ { options.a = ints; } ]).extendModules { modules = [ { options.b = td types.int 2; } ]; }).type; default = { }; }; } ])
      { s = { a = [ ]; b = 2; }; }
    ]
    [
      (((ev [ { options.a = ints; } { key = "k"; a = [ 1 ]; } ]).extendModules { modules = [ { disabledModules = [ { key = "k"; } ]; } ]; }).config)
      { a = [ ]; }
    ]
    [ (((ev [ { options.a = ints; } ]).extendModules { modules = [ { freeformType = types.attrsOf types.int; z = 1; } ]; }).config) { a = [ ]; z = 1; } ]
    [
      (((ev [ { options.a = ints; config._module.args.q = 1; } ({ q, ... }: { a = [ q ]; }) ]).extendModules { modules = [ { _module.args.q = mkForce 2; } ]; }).config)
      { a = [ 2 ]; }
    ]
    [
      (cfg [ { options.s = td (types.attrsOf (types.submodule ({ extendModules, name, ... }: { options.n = td types.str name; options.v = mkOption { }; options.x = td types.int 1; config.v = (extendModules { modules = [ { x = mkForce 7; v = mkForce 0; } ]; }).config.x; }))) { }; config.s.k = { }; } ])
      { s = { k = { n = "k"; v = 7; x = 1; }; }; }
    ]
    [
      (cfg [ { options.s = td (types.attrsOf (types.submodule ({ extendModules, name, ... }: { options.n = ints; options.v = mkOption { }; config.v = (extendModules { modules = [ { n = [ 9 ]; v = mkForce 0; } ]; }).config.n; }))) { }; config.s.k = { n = [ 1 ]; }; } { s.k = { ... }: { n = [ 2 ]; }; } ])
      { s = { k = { n = [ 2 1 ]; v = [ 2 9 1 ]; }; }; }
    ]
    [
      ((cfg [ ({ extendModules, lib, ... }: { options.variant = mkOption { type = (extendModules { modules = [ { isVariant = mkForce true; } ]; }).type; default = { }; }; options.isVariant = td types.bool false; options.q = td types.int 1; config.q = 4; config.variant.q = mkForce 5; }) ]).variant.q)
      5
    ]
    [
      ((cfg [ ({ extendModules, lib, ... }: { options.variant = mkOption { type = (extendModules { modules = [ { isVariant = mkForce true; } ]; }).type; default = { }; }; options.isVariant = td types.bool false; }) ]).variant.isVariant)
      true
    ]
  ];
}
