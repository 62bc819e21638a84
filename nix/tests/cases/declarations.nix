# Options that are declared more than once, and the arguments of mkOption.
{ lib }:
let
  inherit (lib)
    evalModules
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
  # Types that become one.
  typesMerge = [
    [ ((opts [ { options.a = t (types.enum [ 1 2 ]); } { options.a = t (types.enum [ 2 3 ]); } ]).a.type.description) "one of 2, 3, 1" ]
    [
      (cfg [
        { options.a = td (types.attrsOf (types.submodule { options.x = td types.int 1; })) { }; }
        { options.a = t (types.attrsOf (types.submodule { options.y = td types.int 2; })); }
        { a.k = { }; }
      ])
      { a = { k = { x = 1; y = 2; }; }; }
    ]
    [
      (cfg [
        { options.a = td (types.listOf (types.submodule { options.x = td types.int 1; })) [ ]; }
        { options.a = t (types.listOf (types.submodule { options.y = td types.int 2; })); }
        { a = [ { } ]; }
      ])
      { a = [ { x = 1; y = 2; } ]; }
    ]
    [
      (cfg [
        { options.a = td (types.nullOr (types.submodule { options.x = td types.int 1; })) null; }
        { options.a = t (types.nullOr (types.submodule { options.y = td types.int 2; })); }
        { a = { }; }
      ])
      { a = { x = 1; y = 2; }; }
    ]
    [
      (cfg [
        (at "1" { options.a = t (types.attrsOf (types.listOf (types.enum [ 1 ]))); })
        (at "2" { options.a = t (types.attrsOf (types.listOf (types.enum [ 2 ]))); })
        (at "3" { a.x = [ 1 2 ]; })
      ])
      { a = { x = [ 1 2 ]; }; }
    ]
    [ ((cfg [ { options.a = t (types.functionTo (types.enum [ 1 ])); } { options.a = t (types.functionTo (types.enum [ 2 ])); } { a = x: 2; } ]).a 1) 2 ]
    [
      (cfg [ (at "1" { options.a = t types.lines; }) (at "2" { options.a = t (types.separatedString "\n"); }) (at "3" { a = "x"; }) (at "4" { a = "y"; }) ])
      { a = "y\nx"; }
    ]
    [
      (cfg [ (at "1" { options.a = t (types.strMatching "a+"); }) (at "2" { options.a = t (types.strMatching "a+"); }) (at "3" { a = "aa"; }) ])
      { a = "aa"; }
    ]
    [
      (cfg [
        (at "1" { options.a = t (types.either types.int types.str); })
        (at "2" { options.a = t (types.either types.int types.str); })
        (at "3" { a = 7; })
      ])
      { a = 7; }
    ]
    [ (cfg [ (at "1" { options.a = t (types.uniq types.int); }) (at "2" { options.a = t (types.uniq types.int); }) (at "3" { a = 7; }) ]) { a = 7; } ]
    [ ((one types.optionType [ (types.enum [ 1 ]) (types.enum [ 2 ]) ]).description) "one of 2, 1" ]
    [
      (cfg [ { options.q = td (one types.optionType [ (types.submodule { options.a = td types.int 1; }) (types.submodule { options.b = td types.int 1; }) ]) { }; } ])
      { q = { a = 1; b = 1; }; }
    ]
    [
      (let d = (cfg [
        { options.a = t (types.deferredModuleWith { staticModules = [ { options.x = ints; } ]; }); }
        { options.a = t (types.deferredModuleWith { staticModules = [ { config.x = [ 1 ]; } ]; }); }
        { a.x = [ 2 ]; }
      ]).a; in cfg [ d ])
      { x = [ 2 1 ]; }
    ]
    [
      (cfg [
        { options.a = td (types.submodule { options.x = ints; config.x = [ 1 ]; }) { }; }
        { options.a = t (types.submodule { config.x = [ 2 ]; }); }
        { a.x = [ 3 ]; }
      ])
      { a = { x = [ 2 1 3 ]; }; }
    ]
    [
      (cfg [
        { options.a = td (types.submoduleWith { specialArgs.q = 1; modules = [ ({ q, r, ... }: { options.z = td types.int (q + r); }) ]; }) { }; }
        { options.a = t (types.submoduleWith { specialArgs.r = 2; modules = [ ]; }); }
      ])
      { a = { z = 3; }; }
    ]
    [ ((types.mergeTypes (types.enum [ 1 ]) (types.enum [ 2 ])).description) "one of 1, 2" ]
  ];

  # Options below the name of a submodule.
  treeAndSubmodule = [
    # An option with others below is an error where somebody defines something beside it.
    [ (cfg [ { options.x.a = int; } { options.x.a.b = int; } { options.c = td types.int 1; } ]).c 1 ]
    [ (cfg [ { options.a = int; } { options.a.b = int; } { options.c = td types.int 1; config._module.check = false; } ]).c 1 ]
    [ (cfg [ { options.a = td (types.submodule { options.x = td types.int 1; }) { }; } { options.a.y = td types.int 2; } ]) { a = { x = 1; y = 2; }; } ]
    [ (cfg [ { options.a.y = td types.int 2; } { options.a = td (types.submodule { options.x = td types.int 1; }) { }; } ]) { a = { x = 1; y = 2; }; } ]
  ];

  # The module that comes last has the say.
  argumentsMerge = [
    [ (cfg [ (at "1" { options.a = mkOption { type = types.int; }; }) (at "2" { options.a = mkOption { default = 4; }; }) ]) { a = 4; } ]
    [ ((opts [ (at "1" { options.a = mkOption { default = 4; }; }) (at "2" { options.a = mkOption { type = types.int; }; }) ]).a.type.name) "int" ]
    [ ((opts [ { options.a = mkOption { visible = false; default = 1; }; } { options.a = mkOption { visible = true; }; } ]).a.visible) true ]
    [ ((opts [ { options.a = mkOption { internal = true; default = 1; }; } { options.a = mkOption { internal = false; }; } ]).a.internal) false ]
    [ (cfg [ { options.a = mkOption { readOnly = true; default = 1; }; } { options.a = mkOption { readOnly = false; }; } (at "z" { a = 2; }) ]) { a = 2; } ]
    [ ((opts [ { options.a = mkOption { defaultText = "1"; default = 1; }; } { options.a = mkOption { defaultText = "2"; }; } ]).a.defaultText) "2" ]
    [
      (let o = (opts [
        (at "1" { options.a = int; })
        (at "2" { options.a = int; })
        (at "3" { options.a = mkOption { default = 1; }; })
      ]).a; in { inherit (o) declarations; n = map (p: p.file == null) o.declarationPositions; })
      { declarations = [ "3" "2" "1" ]; n = [ false false false ]; }
    ]
  ];

  # Each argument of mkOption.
  mkOptionArguments = [
    [
      (let o = (opts [ { options.a = mkOption { type = types.int; default = 1; defaultText = lib.literalExpression "x"; example = 2; description = "d"; apply = x: x + 1; readOnly = true; internal = true; visible = false; relatedPackages = [ "x" ]; }; } ]).a; in { inherit (o) default defaultText example description readOnly internal visible relatedPackages value; t = o.type.name; })
      {
        default = 1;
        defaultText = { _type = "literalExpression"; text = "x"; };
        description = "d";
        example = 2;
        internal = true;
        readOnly = true;
        relatedPackages = [ "x" ];
        t = "int";
        value = 2;
        visible = false;
      }
    ]
    [ (cfg [ { options.a = mkOption { }; config.a = [ 1 ]; } { a = [ 2 ]; } ]) { a = [ 2 1 ]; } ]
    [ (cfg [ { options.a = mkOption { }; config.a = "1"; } { a = "2"; } ]) { a = "21"; } ]
    [ (cfg [ { options.a = mkOption { type = types.int; default = 1; apply = x: x + 1; }; } ]) { a = 2; } ]
    [ (cfg [ { options.a = mkOption { type = types.listOf types.int; default = [ 9 ]; apply = lib.unique; }; config.a = [ 1 1 ]; } ]) { a = [ 1 ]; } ]
    [ (cfg [ { options.a = mkOption { readOnly = true; type = types.int; }; config.a = 1; } ]) { a = 1; } ]
    [ (cfg [ (at "d" { options.a = mkOption { type = types.int; default = throw "dd"; }; config.a = 1; }) ]) { a = 1; } ]
    [ (cfg [ ({ config, ... }: { options.a = td types.int (config.b * 2); options.b = int; config.b = 4; }) ]) { a = 8; b = 4; } ]
    [ (cfg [ { options.a = td (types.attrsOf types.int) { z = 1; }; config.a.y = 2; } ]) { a = { y = 2; }; } ]
    [ (cfg [ { options.a = td (types.submodule { options.x = td types.int 1; }) { }; } ]) { a = { x = 1; }; } ]
    [ ((opts [ { options.a = td types.int 1; } ]).a.highestPrio) 1500 ]
    [
      (cfg [ ({ config, ... }: { options.a = t (types.submodule ({ config, ... }: { options.x = td types.int 1; options.y = td types.int config.x; })); config.a.x = 3; }) ])
      { a = { x = 3; y = 3; }; }
    ]
    [
      (cfg [ { options.a = mkOption { type = types.attrsOf (types.submodule { options.x = td types.int 1; }); apply = lib.mapAttrsToList (n: v: "${n}=${toString v.x}"); default = { }; }; config.a.k.x = 3; } ])
      { a = [ "k=3" ]; }
    ]
    [
      (cfg [ ({ config, ... }: { options.n = td types.int 2; options.a = mkOption { type = types.enum (lib.range 1 config.n); }; config.a = 2; }) ])
      { a = 2; n = 2; }
    ]
    [
      (cfg [ ({ config, ... }: { options.names = td (types.listOf types.str) [ ]; options.out = lib.genAttrs [ "a" "b" ] (n: td types.bool (builtins.elem n config.names)); config.names = [ "b" ]; }) ])
      { names = [ "b" ]; out = { a = false; b = true; }; }
    ]
  ];
}
