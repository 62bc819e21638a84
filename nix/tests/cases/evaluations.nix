# Who defines what where, and evaluations on top of others.
{ lib }:
let
  inherit (lib)
    evalModules
    mkBefore
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
  # Who defines and who declares.
  files = [
    [
      ((opts [
        { options.a = ints; }
        { _file = "outer"; imports = [ { a = [ 1 ]; } { _file = "inner"; a = [ 2 ]; imports = [ { a = [ 3 ]; } ]; } ]; }
      ]).a.files)
      [ "inner" "inner" "outer" ]
    ]
    [ ((opts [ (at "d1" { options.a = ints; }) (at "d2" { options.a = mkOption { description = "x"; }; }) ]).a.declarations) [ "d2" "d1" ] ]
    [ ((opts [ { options.a = ints; } ({ ... }: { _file = "fn"; a = [ 1 ]; }) ]).a.files) [ "fn" ] ]
    [ ((opts [ { options.a = ints; } { _file = 3; a = [ 1 ]; } ]).a.files) [ "3" ] ]
    [
      ((opts [
        { options.a = ints; }
        (lib.setDefaultModuleLocation "dd" { a = [ 1 ]; })
        (lib.setDefaultModuleLocation "dd" { _file = "own"; a = [ 1 ]; })
      ]).a.files)
      [ "own" "dd" ]
    ]
    [
      (map (f: f) (opts [
        { options.a = t (types.attrsOf (types.submodule { options.x = td types.int 1; })); }
        (at "one" { a.k.x = 1; })
        (at "two" { a.j = { }; })
      ]).a.files)
      [ "two" "one" ]
    ]
    [
      (cfg [
        { options.a = t (types.attrsOf (types.submodule ({ options, ... }: { options.x = td types.int 1; options.f = td types.anything options.x.files; }))); }
        (at "one" { a.k.x = 1; })
        (at "two" { a.k = { }; })
      ])
      { a = { k = { f = [ "one" ]; x = 1; }; }; }
    ]
    [
      (cfg [
        { options.a = t (types.submodule ({ options, ... }: { options.x = ints; options.f = td types.anything options.x.files; })); }
        (at "one" { a.x = [ 1 ]; })
        (at "two" { a = mkIf true { x = mkBefore [ 2 ]; }; })
        (at "three" { a = mkMerge [ { x = [ 3 ]; } ({ ... }: { x = [ 4 ]; }) ]; })
      ])
      { a = { f = [ "two" "three" "one" "three" ]; x = [ 2 4 1 3 ]; }; }
    ]
    [
      (cfg [
        (at "decl" { options.a = t (types.submodule ({ options, ... }: { options.x = td types.int 1; options.f = td types.anything options.x.declarations; })); })
        { a = { }; }
      ])
      { a = { f = [ "decl" ]; x = 1; }; }
    ]
    [
      (cfg [
        (at "decl" { options.a = t (types.attrsOf (types.submodule ({ options, ... }: { _file = "inner"; options.x = td types.int 1; options.f = td types.anything options.x.declarations; }))); })
        { a.k = { }; }
      ])
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
      ((evalModules { modules = [
        { key = "k"; options.a = ints; }
        { options.b = ints; }
      ]; }).extendModules { modules = [ { disabledModules = [ { key = "k"; } ]; b = [ 2 ]; } ]; }).config
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
      (((ev [
        { options.a = ints; config._module.args.q = 1; }
        ({ q, ... }: { a = [ q ]; })
      ]).extendModules { modules = [ { _module.args.q = mkForce 2; } ]; }).config)
      { a = [ 2 ]; }
    ]
    [
      (cfg [ { options.s = td (types.attrsOf (types.submodule ({ extendModules, name, ... }: { options.n = td types.str name; options.v = mkOption { }; options.x = td types.int 1; config.v = (extendModules { modules = [ { x = mkForce 7; v = mkForce 0; } ]; }).config.x; }))) { }; config.s.k = { }; } ])
      { s = { k = { n = "k"; v = 7; x = 1; }; }; }
    ]
    [
      (cfg [
        { options.s = td (types.attrsOf (types.submodule ({ extendModules, name, ... }: { options.n = ints; options.v = mkOption { }; config.v = (extendModules { modules = [ { n = [ 9 ]; v = mkForce 0; } ]; }).config.n; }))) { }; config.s.k = { n = [ 1 ]; }; }
        { s.k = { ... }: { n = [ 2 ]; }; }
      ])
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
