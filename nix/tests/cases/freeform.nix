# The settings pattern: options, and a type for everything else.
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
  t = type: mkOption { inherit type; };
  td = type: default: mkOption { inherit type default; };
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
  # Beside options, below them, and nested.
  freeformType = [
    # What a freeform submodule has by default does not replace an option of that name.
    [
      (cfg [ { freeformType = types.submodule { freeformType = types.attrsOf types.int; options.x = mkOption { default = 5; }; options.z = mkOption { default = 6; }; }; options.x = mkOption { default = 1; }; config.y = 2; } ])
      { x = 1; y = 2; z = 6; }
    ]
    [ (cfg [ { freeformType = types.attrsOf (types.either types.int types.str); options.port = td types.int 80; config.x = 1; } ]) { port = 80; x = 1; } ]
    [
      (cfg [
        { options.settings = td (types.submodule { freeformType = types.attrsOf types.str; options.port = td types.int 80; }) { }; }
        { settings.foo = "x"; }
        { settings = { bar = "y"; port = 1; }; }
      ])
      { settings = { bar = "y"; foo = "x"; port = 1; }; }
    ]
    [ (cfg [ { freeformType = types.attrsOf types.int; } { x = mkDefault 1; } { x = 2; y = mkIf false 1; } ]) { x = 2; } ]
    [ (cfg [ { freeformType = types.anything; } { a.b = 1; } { a.c = [ 1 ]; } ]) { a = { b = 1; c = [ 1 ]; }; } ]
    [ (cfg [ { freeformType = types.attrsOf types.anything; options.a.b = td types.int 1; } { a.c = 3; d = 1; } ]) { a = { b = 1; c = 3; }; d = 1; } ]
    [ (cfg [ { freeformType = types.attrsOf (types.attrsOf types.int); options.a.b = td types.int 1; } { a.c = 3; } ]) { a = { b = 1; c = 3; }; } ]
    [ (cfg [ { freeformType = types.attrsOf types.int; } { freeformType = types.attrsOf types.int; x = 1; } ]) { x = 1; } ]
    [
      (cfg [ { freeformType = types.attrsOf (types.submodule { options.x = td types.int 1; }); } { q = { }; r.x = 2; } ])
      { q = { x = 1; }; r = { x = 2; }; }
    ]
    [ (cfg [ { freeformType = types.submodule { options.x = td types.int 1; }; } { x = 3; } ]) { x = 3; } ]
    [
      (cfg [ { freeformType = types.attrsOf types.anything; options.a.b = td types.int 1; } { a = mkIf false { c = 1; }; z = mkIf true 4; } ])
      { a = { b = 1; }; z = 4; }
    ]
    [
      (cfg [ { freeformType = types.attrsOf (types.attrsOf types.int); options.a.b = td types.int 1; } { a = mkIf true { c = mkForce 1; }; } { a.c = 2; } ])
      { a = { b = 1; c = 1; }; }
    ]
    [
      (cfg [
        { freeformType = (let v = types.nullOr (types.oneOf [ types.bool types.int types.float types.str types.path (types.attrsOf v) (types.listOf v) ]); in v); options.server.port = td types.port 80; }
        { server.host = "h"; list = [ 1 "a" { b = null; } ]; }
        { server.extra.x = true; }
      ])
      { list = [ 1 "a" { b = null; } ]; server = { extra = { x = true; }; host = "h"; port = 80; }; }
    ]
    [
      (one (types.submodule { freeformType = types.attrsOf (types.submodule ({ _prefix, ... }: { options.p = td types.anything _prefix; })); }) [ { k = { }; } ])
      { k = { p = [ "a" "k" ]; }; }
      "25.11"
    ]
    [ (cfg [ { freeformType = types.nullOr (types.attrsOf types.int); } { z = 4; } ]) { z = 4; } ]
    [
      (one (types.submodule { freeformType = types.attrsOf types.int; options.x = td types.int 1; }) [ { y = mkDefault 1; } { y = 2; x = 4; } ])
      { x = 4; y = 2; }
    ]
    [
      (one (types.submodule { freeformType = types.attrsOf types.anything; options.x.y = td types.int 1; }) [ { x.z = 4; w = { }; } ])
      { w = { }; x = { y = 1; z = 4; }; }
    ]
    [
      (let v = types.nullOr (types.oneOf [ types.bool types.int types.str (types.listOf v) (types.attrsOf v) ]) // { description = "JSON value"; }; in one v [ { a = [ 1 { b = null; } ]; } { c.d = "x"; } ])
      { a = [ 1 { b = null; } ]; c = { d = "x"; }; }
    ]
  ];

  # Submodules: functions, lists, names, definitions of every form.
  submodules = [
    [ (one (types.submodule ({ config, lib, name, ... }: { options.x = td types.str name; })) [ { } ]) { x = "a"; } ]
    [
      (one (types.submodule [ { options.x = td types.int 1; } ({ ... }: { options.y = td types.int 2; }) ../fixtures/imports/a.nix ]) [ { } ])
      { fromA = [ "a" ]; x = 1; y = 2; }
    ]
    [
      ((cfg [ { options.a = t (types.attrsOf (types.submodule ({ name, ... }: { options.n = td types.str name; }))); config.a = { x = { }; y.n = "z"; }; } ]).a)
      { x = { n = "x"; }; y = { n = "z"; }; }
    ]
    [
      ((cfg [ { options.a = t (types.attrsOf (types.attrsOf (types.submodule ({ name, ... }: { options.n = td types.str name; })))); config.a.p.q = { }; } ]).a)
      { p = { q = { n = "q"; }; }; }
    ]
    [ (cfg [ { options.a = t (types.submodule { options.x = td types.int 1; }); } ]) { a = { x = 1; }; } "26.05" ]
    [ (one (types.submodule { options.x = ints; }) [ (mkMerge [ { x = [ 1 ]; } { x = [ 2 ]; } ]) ]) { x = [ 2 1 ]; } ]
    [
      (one (types.submodule { options.i = td (types.attrsOf (types.submodule { options.x = td types.int 1; })) { }; }) [
        { i.a = { }; }
        { i.b.x = 3; i.a.x = mkDefault 9; }
      ])
      { i = { a = { x = 9; }; b = { x = 3; }; }; }
    ]
    [ (one (types.submodule { options.x = mkOption { type = types.int; default = 1; apply = x: x * 2; }; }) [ { x = 4; } ]) { x = 8; } ]
    [ (one (types.submodule { options.r = t types.raw; }) [ { r = lib.mkForce 3; } ]) { r = 3; } ]
    # A definition that is a function goes another way than one that is a set.
    [ (one (types.attrsOf (types.submodule ({ name, ... }: { options.n = mkOption { default = name; }; }))) [ { k = _: { }; } ]) { k.n = "k"; } ]
    [ (one (types.submodule { config._module.check = false; options.x = td types.int 1; }) [ { zz = 3; } ]) { x = 1; } ]
    [ (one (types.submodule { options.x = td types.int 1; }) [ ({ ... }: { imports = [ { x = 3; } ]; }) ]) { x = 3; } ]
    [
      (one (types.listOf (types.submodule ({ name, ... }: { options.x = td types.str name; }))) [ [ { } { x = "3"; } ] ])
      [ { x = "[definition 1-entry 1]"; } { x = "3"; } ]
    ]
    [ (one (types.coercedTo types.str (x: { y = x; }) (types.submodule { options.y = td types.lines ""; })) [ "q" { y = "r"; } ]) { y = "q\nr"; } ]
    [ (one (types.either types.str (types.submodule { options.x = td types.int 1; })) [ { x = 3; } ]) { x = 3; } ]
  ];

  # Types whose values are made of others'.
  values = [
    [ (one (types.coercedTo types.int (x: [ x ]) (types.listOf types.int)) [ 3 [ 4 ] 5 ]) [ 5 4 3 ] ]
    [ (one (types.coercedTo types.bool (b: 7) (types.coercedTo types.int toString types.str)) [ true ]) "7" ]
    [ ((one (types.functionTo (types.listOf types.int)) [ (x: mkIf (x == 1) [ 5 ]) ]) 1) [ 5 ] ]
    [ (lib.functionArgs (one (types.functionTo types.int) [ ({ a, b ? 1, ... }: 1) ({ b, c ? 2, ... }: 1) ])) { a = false; b = false; c = true; } ]
    [ (cfg [ { options.x = strs; imports = [ (one types.deferredModule [ { x = [ "1" ]; } ({ ... }: { x = [ "2" ]; }) ]) ]; } ]) { x = [ "1" "2" ]; } ]
    [ (cfg [ (one (types.deferredModuleWith { staticModules = [ { options.x = strs; } ]; }) [ { x = [ "1" ]; } ]) ]) { x = [ "1" ]; } ]
    [ (one (types.listOf (types.listOf types.int)) [ [ [ 1 ] [ ] ] [ [ 2 ] ] ]) [ [ 2 ] [ 1 ] [ ] ] ]
    [ (one (types.attrsOf (types.attrsOf types.int)) [ { a.b = mkDefault 1; } { a.b = 2; a.c = mkIf false 1; } ]) { a = { b = 2; }; } ]
    [
      (cfg [ { options.a = t (types.attrsOf (types.either types.str (types.listOf types.str))); } { a.x = [ "1" ]; a.y = "q"; } { a.x = [ "2" ]; } ])
      { a = { x = [ "2" "1" ]; y = "q"; }; }
    ]
    [ (one (types.int // { merge = loc: defs: builtins.foldl' (a: d: a + d.value) 0 defs; }) [ 4 5 ]) 9 ]
  ];
}
