# What is looked at only when someone asks for it.
{ lib }:
let
  inherit (lib)
    evalModules
    mkDefault
    mkIf
    mkMerge
    mkOption
    types
    ;
  ev = modules: evalModules { inherit modules; };
  cfg = modules: (ev modules).config;
  opts = modules: (ev modules).options;
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
  # A broken value breaks nothing that does not need it.
  unused = [
    [ ((cfg [ { options.a = int; options.b = int; config.a = throw "x"; config.b = 1; } ]).b) 1 ]
    [ ((cfg [ { options.a = int; options.b = int; config.a = "str"; config.b = 1; } ]).b) 1 ]
    [ ((cfg [ { options.a.x = int; options.b = int; config.b = 1; } { a.x = throw "q"; } ]).b) 1 ]
    [ (builtins.elemAt (cfg [ { options.a = t (types.listOf types.str); config.a = [ 1 "ok" ]; } ]).a 1) "ok" ]
    [
      ((builtins.elemAt (cfg [ { options.a = t (types.listOf (types.submodule { options.x = int; options.y = td types.int 1; })); config.a = [ { x = throw "q"; } ]; } ]).a 0).y)
      1
    ]
    [ ((cfg [ { options.a = t (types.submodule { options.x = int; options.y = td types.int 1; }); config.a.x = throw "q"; } ]).a.y) 1 ]
    [ ((cfg [ { options.a = t types.raw; config.a = { x = throw "q"; y = 1; }; } ]).a.y) 1 ]
    [ ((cfg [ { options.a = t types.attrs; config.a = { x = throw "q"; y = 1; }; } ]).a.y) 1 ]
    [ ((opts [ { options.a = int; config.a = throw "x"; } ]).a.type.name) "int" ]
    [ ((cfg [ { options.a = mkOption { type = types.int; description = throw "d"; default = 1; example = throw "e"; defaultText = throw "t"; }; } ]).a) 1 ]
    [ ((cfg [ { options.a = mkOption { type = throw "ty"; default = 1; }; options.b = td types.int 1; } ]).b) 1 ]
    [ (builtins.attrNames (cfg [ { options.a = int; options.b = int; config.a = throw "x"; } ])) [ "a" "b" ] ]
    [ (cfg [ { options.a = int; } { a = mkDefault (throw "x"); } { a = 1; } ]) { a = 1; } ]
    [ (cfg [ { options.a = ints; config.a = mkIf false (throw "c"); } ]) { a = [ ]; } ]
    [ ((cfg [ { options.s = t (types.attrsOf (types.submodule { options.x = td types.int 1; })); config.s.a.zz = 1; config.s.b.x = 2; } ]).s.b.x) 2 ]
    [ ((cfg [ { options.s = t (types.attrsOf (types.submodule { options.x = td types.int 1; })); options.q = td types.int 1; config.s.a.zz = 1; } ]).q) 1 ]
    [ ((cfg [ { freeformType = types.attrsOf types.int; options.x = td types.int 1; } { z = "bad"; } ]).x) 1 ]
  ];

  # Definitions read what others define, of the same set too.
  # Nix looks at the attribute `type` of sets that it compares.
  optionNamedType = [
    [ (cfg [ { options.type = td types.str "q"; options.x = td types.int 1; config.type = throw "unused"; } ]).x 1 ]
    [ (cfg [ { options.s = t (types.submodule { options.type = td types.str "q"; options.x = td types.int 1; config.type = throw "unused"; }); config.s = { }; } ]).s.x 1 ]
    [ (cfg [ { freeformType = types.lazyAttrsOf types.anything; options.x = td types.int 1; config.type = throw "unused"; config.y = 2; } ]).y 2 ]
    [ (cfg [ { options.s = t (types.submodule { freeformType = types.lazyAttrsOf types.anything; options.x = td types.int 1; }); config.s = { type = throw "unused"; y = 2; }; } ]).s.y 2 ]
    [ (cfg [ { options.s = mkOption { type = types.attrs; default = { type = throw "unused"; y = 1; }; }; } ]).s.y 1 ]
  ];

  readingEachOther = [
    [
      ((cfg [ ({ config, ... }: { options.a = t (types.lazyAttrsOf types.int); config.a = { x = 1; y = mkIf (config.a.x == 1) 2; }; }) ]).a)
      { x = 1; y = 2; }
    ]
    [
      (cfg [ ({ config, lib, ... }: { options.svc = t (types.attrsOf (types.submodule { options.port = td types.int 1; })); config.svc = { a.port = 5; b.port = config.svc.a.port + 1; }; }) ])
      { svc = { a = { port = 5; }; b = { port = 6; }; }; }
    ]
    [
      (cfg [
        ({ config, ... }: { options.src = t (types.attrsOf types.int); options.dst = t (types.attrsOf types.int); config.src = { a = 1; b = 2; }; config.dst = lib.mapAttrs (_: v: v * 2) config.src; })
        { src.c = 3; }
      ])
      { dst = { a = 2; b = 4; c = 6; }; src = { a = 1; b = 2; c = 3; }; }
    ]
    [
      (cfg [ ({ config, lib, ... }: let c = config.top; in { options.top = { a = td types.int 1; b.c = td types.int 2; }; options.sum = td types.int (c.a + c.b.c); config.top.b.c = 40; }) ])
      { sum = 41; top = { a = 1; b = { c = 40; }; }; }
    ]
    [ (cfg [ ({ config, ... }: { freeformType = types.lazyAttrsOf types.int; options.a = int; config.a = config.z + 1; config.z = 3; }) ]) { a = 4; z = 3; } ]
    [
      (one (types.submodule ({ config, ... }: { freeformType = types.lazyAttrsOf types.int; options.x = td types.int config.base; })) [ { base = 4; } ])
      { base = 4; x = 4; }
    ]
    [
      (one (types.submodule { options.x = td types.int 1; options.y = ints; }) [ ({ config, ... }: { y = [ (config.x + 1) ]; }) { y = [ 0 ]; } ])
      { x = 1; y = [ 2 0 ]; }
    ]
    [
      (let ty = types.submodule { options.kids = td (types.attrsOf ty) { }; options.n = td types.int 0; }; in one ty [ { kids.a.kids.b.n = 3; } ])
      { kids = { a = { kids = { b = { kids = { }; n = 3; }; }; n = 0; }; }; n = 0; }
    ]
    [
      (cfg [ ({ config, ... }: { options.n = td types.int 3; options.s = td (types.attrsOf (types.submodule { options.x = td types.int config.n; })) { k = { }; }; }) ])
      { n = 3; s = { k = { x = 3; }; }; }
    ]
    [
      (cfg [ { options.s = td (types.attrsOf (types.submodule ({ name, config, ... }: { options.x = td types.str name; options.y = td types.str (config.x + "!"); }))) { k = { }; l.x = "q"; }; } ])
      { s = { k = { x = "k"; y = "k!"; }; l = { x = "q"; y = "q!"; }; }; }
    ]
  ];

  # attrsOf knows its names by the conditions, lazyAttrsOf without them.
  names = [
    [ ((cfg [ { options.a = t (types.attrsOf types.int); config.a = { x = mkIf false 1; }; } ]).a ? x) false ]
    [ ((cfg [ { options.a = t (types.lazyAttrsOf types.int); config.a = { x = mkIf false 1; }; } ]).a ? x) true ]
    [ ((cfg [ { options.a = t (types.lazyAttrsOf (types.listOf types.int)); config.a = { x = mkIf false 1; }; } ]).a.x) [ ] ]
    [ ((cfg [ { options.a = t (types.lazyAttrsOf (types.nullOr types.int)); config.a = { x = mkIf false 1; }; } ]).a.x) null ]
    [
      ((cfg [ { options.a = t (types.lazyAttrsOf (types.submodule { options.q = td types.int 1; })); config.a = { x = mkIf false { }; }; } ]).a.x)
      { q = 1; }
      "26.05"
    ]
    [ (one (types.attrsOf (types.attrsOf types.int)) [ { a = mkIf true { b = 1; }; q = mkIf false { }; } ]) { a = { b = 1; }; } ]
    [ (cfg [ { options.a = t (types.attrsOf types.int); } { a.x = mkMerge [ ]; a.y = 1; } ]) { a = { y = 1; }; } ]
  ];
}
