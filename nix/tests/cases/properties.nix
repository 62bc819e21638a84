# Conditions, priorities and order, one in another and at every level.
{ lib }:
let
  inherit (lib)
    evalModules
    mkAfter
    mkBefore
    mkDefault
    mkForce
    mkIf
    mkMerge
    mkOption
    mkOrder
    mkOverride
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
  # Around sets of options, around options, around values.
  nested = [
    [ (cfg [ { options.a.b.c = ints; } { a = mkIf true { b = mkIf true { c = mkIf true [ 1 ]; }; }; } ]) { a = { b = { c = [ 1 ]; }; }; } ]
    [ (cfg [ { options.a.b.c = ints; } { a = mkIf true { b = mkIf false { c = throw "no"; }; }; } ]) { a = { b = { c = [ ]; }; }; } ]
    [
      (cfg [ { options.a.b = ints; } { a = mkMerge [ { b = [ 1 ]; } (mkIf true { b = mkMerge [ [ 2 ] (mkIf true [ 3 ]) (mkIf false (throw "x")) ]; }) ]; } ])
      { a = { b = [ 1 2 3 ]; }; }
    ]
    [
      (cfg [ { options.a.b = ints; options.a.c = ints; } { a = mkForce { b = [ 1 ]; }; } { a = { b = [ 2 ]; c = [ 3 ]; }; } ])
      { a = { b = [ 1 ]; c = [ 3 ]; }; }
    ]
    [ (cfg [ { options.a.b = ints; } { config = mkForce { a.b = [ 1 ]; }; } { a.b = [ 2 ]; } ]) { a = { b = [ 1 ]; }; } ]
    [ (cfg [ { options.a.b = ints; } { a = mkDefault { b = [ 1 ]; }; } { a.b = [ 2 ]; } ]) { a = { b = [ 2 ]; }; } ]
    [ (cfg [ { options.a = int; } { a = mkIf true (mkForce 1); } { a = 2; } ]) { a = 1; } ]
    [ (cfg [ { options.a = ints; } { a = mkMerge [ [ 1 ] (mkForce [ 2 ]) ]; } { a = [ 3 ]; } ]) { a = [ 2 ]; } ]
    [ (cfg [ { options.a = ints; } { a = mkIf true (mkIf false [ 1 ]); } { a = mkIf true (mkIf true [ 2 ]); } ]) { a = [ 2 ]; } ]
    [ ((opts [ { options.a = int; } { a = mkMerge [ ]; } ]).a.isDefined) false ]
    [ (cfg [ { options.a = t (types.attrsOf types.lines); } { a.x = mkMerge [ "1" (mkIf true "2") (mkBefore "0") ]; } ]) { a = { x = "0\n1\n2"; }; } ]
  ];

  # mkBefore and the like keep the order of what is equal.
  order = [
    [ (cfg [ { options.a = ints; } { a = mkForce (mkBefore [ 1 ]); } { a = mkForce [ 3 ]; } { a = [ 5 ]; } ]) { a = [ 1 3 ]; } ]
    [
      (cfg [ { options.a = ints; } { a = [ 3 ]; } { a = mkIf true (mkBefore [ 1 ]); } { a = mkMerge [ (mkAfter [ 9 ]) [ 4 ] (mkOrder 400 [ 0 ]) ]; } ])
      { a = [ 0 1 4 3 9 ]; }
    ]
    [
      (cfg [
        { options.a = ints; }
        { a = mkBefore [ 1 ]; }
        { a = mkBefore [ 2 ]; }
        { a = mkAfter [ 3 ]; }
        { a = mkAfter [ 4 ]; }
        { a = mkOrder 1000 [ 5 ]; }
        { a = [ 6 ]; }
      ])
      { a = [ 2 1 6 5 4 3 ]; }
    ]
    [ (cfg [ { options.a = td types.lines ""; } { a = "m"; } { a = mkAfter "z"; } { a = mkBefore "a"; } ]) { a = "a\nm\nz"; } ]
    [
      (cfg [ { options.a = td (types.attrsOf types.lines) { }; } { a.x = "m"; } { a.x = mkAfter "z"; } { a.x = mkBefore "a"; } ])
      { a = { x = "a\nm\nz"; }; }
    ]
    [ (cfg [ { options.a = td (types.listOf types.int) (mkBefore [ 1 ]); } { a = mkOverride 1500 [ 2 ]; } ]) { a = [ 1 2 ]; } ]
    [
      (cfg [ { options.a = t (types.submodule { options.l = ints; }); } { a.l = mkAfter [ 9 ]; } { a.l = [ 5 ]; } { a.l = mkBefore [ 1 ]; } ])
      { a = { l = [ 1 5 9 ]; }; }
    ]
    [
      (cfg [ { options.a = t (types.attrsOf (types.listOf types.int)); } { a = mkAfter { l = [ 9 ]; }; } { a = mkBefore { l = [ 5 ]; }; } { a.l = [ 1 ]; } ])
      { a = { l = [ 5 1 9 ]; }; }
    ]
    [ (cfg [ { options.a = ints; } { a = mkMerge [ (mkOrder 5 [ 1 ]) (mkOrder 5 [ 2 ]) ]; } { a = mkOrder 5 [ 3 ]; } ]) { a = [ 3 1 2 ]; } ]
    [ (cfg [ { freeformType = types.attrsOf types.lines; } { a = mkAfter "z"; } { a = "m"; } { a = mkBefore "b"; } ]) { a = "b\nm\nz"; } ]
    [ (one (types.attrsOf types.lines) [ { a = mkAfter "z"; } { a = mkBefore "y"; } { a = "m"; } ]) { a = "y\nm\nz"; } ]
  ];

  # The strongest wins: for values, for attributes, for whole submodules.
  priority = [
    [ (cfg [ { options.a = int; } (at "1" { a = mkOverride 10000 1; }) ]) { a = 1; } "26.05" ]
    [ (cfg [ { options.a = td (types.listOf types.int) [ 1 ]; } { a = lib.mkOptionDefault [ 2 ]; } ]) { a = [ 1 2 ]; } ]
    [
      (cfg [ { options.a = td (types.attrsOf types.int) { }; } { a = { x = mkIf true 1; y = mkIf false 2; z = mkForce 3; }; } { a.z = 1; } ])
      { a = { x = 1; z = 3; }; }
    ]
    [ (cfg [ { options.a = td (types.attrsOf types.int) { }; } { a = mkIf true { x = 1; }; } { a = mkDefault { y = 1; }; } ]) { a = { x = 1; }; } ]
    [ (cfg [ { options.a = td (types.attrsOf types.int) { }; } { a = mkDefault { y = 1; }; } ]) { a = { y = 1; }; } ]
    [
      (cfg [
        { options.a = t (types.attrsOf (types.submodule { options.x = td types.int 1; options.y = td types.int 1; })); }
        { a = mkDefault { k.x = 5; }; }
        { a.j.x = 2; }
      ])
      { a = { j = { x = 2; y = 1; }; }; }
    ]
    [
      (cfg [
        { options.a = t (types.attrsOf (types.submodule { options.x = td types.int 1; options.y = td types.int 1; })); }
        { a.k = mkDefault { x = 5; y = 5; }; }
        { a.k.x = 2; }
      ])
      { a = { k = { x = 2; y = 1; }; }; }
    ]
    [
      (cfg [
        { options.a = t (types.attrsOf (types.submodule { options.x = td types.int 1; options.y = td types.int 1; })); }
        { a.k = mkForce { x = 5; }; }
        { a.k.y = 2; }
      ])
      { a = { k = { x = 5; y = 1; }; }; }
    ]
    [
      (cfg [ { options.a = td (types.submodule { options.x = td types.int 1; options.y = td types.int 0; }) { x = 4; }; config.a.y = 3; } ])
      { a = { x = 1; y = 3; }; }
    ]
    [ (one (types.submodule { options.x = td types.int 1; options.y = td types.int 1; }) [ (mkDefault { x = 5; }) { y = 6; } ]) { x = 1; y = 6; } ]
    [ (one (types.submodule { options.x = td types.int 1; options.y = td types.int 1; }) [ (mkForce { x = 5; }) { y = 6; } ]) { x = 5; y = 1; } ]
    [ (one (types.submodule { options.x = td types.int 1; }) [ { x = mkForce 5; } { x = 6; } ]) { x = 5; } ]
    [
      (cfg [
        { options.a = t (types.coercedTo types.str lib.singleton (types.listOf types.str)); }
        { a = mkDefault "x"; }
        { a = mkBefore "y"; }
        { a = [ "z" ]; }
      ])
      { a = [ "y" "z" ]; }
    ]
    [ (one types.anything [ { a.b = mkDefault 1; } { a.b = 2; c = mkIf false 1; } ]) { a = { b = 2; }; } ]
    [ (one types.anything [ { a.b.c = mkForce 1; } { a.b.c = 2; a.b.d = mkDefault 3; } ]) { a = { b = { c = 1; d = 3; }; }; } ]
  ];

  # A condition may read options, of the same set too.
  conditions = [
    [ ((cfg [ { options.a = int; options.b = td types.int 2; } (mkIf (throw "cond") { a = 1; }) ]).b) 2 ]
    [
      (cfg [ ({ config, ... }: { options.on = td types.bool false; options.a = td types.int 0; config = mkIf config.on { a = 5; }; }) { on = true; } ])
      { a = 5; on = true; }
    ]
    [
      (cfg [ ({ config, ... }: { options.a = td types.bool false; options.b = td types.bool false; config.a = mkIf config.b true; config.b = true; }) ])
      { a = true; b = true; }
    ]
    [ ((opts [ ({ config, ... }: { options.on = td types.bool true; options.a = ints; config.a = mkIf config.on [ 1 ]; }) ]).a.isDefined) true ]
    [
      (builtins.attrNames (cfg [ ({ config, ... }: { options.s = t (types.lazyAttrsOf (types.submodule { options.e = td types.bool false; })); config.s.a.e = true; config.s.b = mkIf config.s.a.e { }; }) ]).s)
      [ "a" "b" ]
    ]
    [
      (cfg [ ({ config, lib, ... }: { options.on = td types.bool true; options.x = td types.int 1; config = mkMerge (lib.optional true (mkIf config.on { x = 2; })); }) ])
      { on = true; x = 2; }
    ]
  ];

  # A definition that names its file, and values that only look like properties.
  definitions = [
    [ (cfg [ { options.a = ints; } { a = lib.mkDefinition { file = "ff"; value = mkForce [ 1 ]; }; } { a = [ 2 ]; } ]) { a = [ 1 ]; } ]
    [
      ((opts [ { options.a = ints; } { a = mkMerge [ (lib.mkDefinition { file = "ff"; value = [ 1 ]; }) [ 2 ] ]; } ]).a.definitionsWithLocations)
      [ { _type = "definition"; file = "ff"; value = [ 1 ]; } { file = "<unknown-file>"; value = [ 2 ]; } ]
    ]
    [ (cfg [ { options.a = ints; } { a = [ (mkIf true 1) (mkIf false 2) (mkForce 3) ]; } ]) { a = [ 1 3 ]; } ]
    [
      (cfg [ { options.a = td (types.listOf (types.attrsOf types.int)) [ ]; config.a = [ { x = mkIf false 1; y = mkForce 2; } (mkIf false { z = 1; }) (mkMerge [ { m = 1; } { n = 2; } ]) ]; } ])
      { a = [ { y = 2; } { m = 1; n = 2; } ]; }
    ]
    [ (one types.attrs [ { a = mkIf false 1; } ]) { a = { _type = "if"; condition = false; content = 1; }; } ]
    [ (one types.unspecified [ { a = mkIf false 1; } ]) { a = { _type = "if"; condition = false; content = 1; }; } ]
    [ (cfg [ { options.a = t types.raw; } { a = { _type = "weird"; x = 1; }; } ]) { a = { _type = "weird"; x = 1; }; } ]
    [ (one types.raw [ { a = mkIf false 1; } ]) { a = { _type = "if"; condition = false; content = 1; }; } ]
  ];
}
