# What options.<path> tells, the documentation of options, and definitions made of those of others.
{ lib }:
let
  inherit (lib)
    evalModules
    mkAfter
    mkBefore
    mkDefault
    mkForce
    mkIf
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
  str = t types.str;
  ints = td (types.listOf types.int) [ ];
  strs = td (types.listOf types.str) [ ];
  withWarnings = {
    options.warnings = strs;
    options.assertions = td (types.listOf types.unspecified) [ ];
  };
  info = o: {
    inherit (o)
      isDefined
      highestPrio
      files
      declarations
      loc
      definitions
      definitionsWithLocations
      ;
    str = toString o;
  };
  infov = o: info o // { inherit (o) value; };
in
{
  # What an option tells of itself.
  options = [
    [
      (infov (opts [ (at "d" { options.a.b = ints; }) (at "1" { a.b = [ 1 ]; }) (at "2" { a.b = mkBefore [ 2 ]; }) ]).a.b)
      {
        declarations = [ "d" ];
        definitions = [ [ 2 ] [ 1 ] ];
        definitionsWithLocations = [ { file = "2"; priority = 500; value = [ 2 ]; } { file = "1"; value = [ 1 ]; } ];
        files = [ "2" "1" ];
        highestPrio = 100;
        isDefined = true;
        loc = [ "a" "b" ];
        str = "a.b";
        value = [ 2 1 ];
      }
    ]
    [
      (infov (opts [ (at "d" { options.a.b = ints; }) (at "1" { a.b = [ 1 ]; }) (at "2" { a.b = mkForce [ 2 ]; }) ]).a.b)
      {
        declarations = [ "d" ];
        definitions = [ [ 2 ] ];
        definitionsWithLocations = [ { file = "2"; value = [ 2 ]; } ];
        files = [ "2" ];
        highestPrio = 50;
        isDefined = true;
        loc = [ "a" "b" ];
        str = "a.b";
        value = [ 2 ];
      }
    ]
    [
      (infov (opts [ (at "d" { options.a.b = ints; }) ]).a.b)
      {
        declarations = [ "d" ];
        definitions = [ [ ] ];
        definitionsWithLocations = [ { file = "d"; value = [ ]; } ];
        files = [ "d" ];
        highestPrio = 1500;
        isDefined = true;
        loc = [ "a" "b" ];
        str = "a.b";
        value = [ ];
      }
    ]
    [
      (info (opts [ (at "d" { options.a.b = int; }) ]).a.b)
      {
        declarations = [ "d" ];
        definitions = [ ];
        definitionsWithLocations = [ ];
        files = [ ];
        highestPrio = 9999;
        isDefined = false;
        loc = [ "a" "b" ];
        str = "a.b";
      }
    ]
    [
      (infov (opts [ (at "d" { options.a.b = ints; }) (at "1" { a.b = mkIf false [ 1 ]; }) (at "2" (mkIf true { a.b = [ 2 ]; })) ]).a.b)
      {
        declarations = [ "d" ];
        definitions = [ [ 2 ] ];
        definitionsWithLocations = [ { file = "<unknown-file>"; value = [ 2 ]; } ];
        files = [ "<unknown-file>" ];
        highestPrio = 100;
        isDefined = true;
        loc = [ "a" "b" ];
        str = "a.b";
        value = [ 2 ];
      }
    ]
    [
      (info (opts [ (at "d" { options.a.b = int; }) (at "1" { a.b = mkIf false 1; }) ]).a.b)
      {
        declarations = [ "d" ];
        definitions = [ ];
        definitionsWithLocations = [ ];
        files = [ ];
        highestPrio = 9999;
        isDefined = false;
        loc = [ "a" "b" ];
        str = "a.b";
      }
    ]
    [
      ((opts [ (at "d" { options.a.b = ints; }) (at "1" { a.b = mkAfter [ 1 ]; }) (at "2" { a.b = [ 2 ]; }) ]).a.b.definitionsWithLocations)
      [ { file = "2"; value = [ 2 ]; } { file = "1"; priority = 1500; value = [ 1 ]; } ]
    ]
    [ ((opts [ { options.a = mkOption { type = types.int; apply = x: x + 1; }; config.a = 1; } ]).a.value) 2 ]
    [ ((opts [ { options.a = mkOption { type = types.int; apply = x: x + 1; }; config.a = 1; } ]).a.definitions) [ 1 ] ]
    [ (builtins.attrNames (opts [ { options.a.b = int; options.c = int; } ])) [ "_module" "a" "c" ] ]
    [ (builtins.attrNames (opts [ ])._module) [ "args" "check" "freeformType" "specialArgs" ] ]
    [
      (builtins.attrNames (removeAttrs ((opts [ { options.a = td (types.attrsOf (types.submodule { options.x = td types.int 1; })) { }; } ]).a.type.getSubOptions [ "a" ]) [ "_module" ]))
      [ "x" ]
    ]
    [
      (((opts [ { options.a = td (types.attrsOf (types.submodule { options.x = td types.int 1; })) { }; } ]).a.type.getSubOptions [ "a" ]).x.loc)
      [ "a" "<name>" "x" ]
    ]
    [ ("${(opts [ { options.a."b c" = int; } ]).a."b c"}") "a.\"b c\"" ]
    [ ((opts [ { options.a = ints; } { a = mkDefault [ 1 ]; } ]).a.highestPrio) 1000 ]
    [
      (cfg [ { options.a = t (types.submodule ({ config, options, ... }: { options.x = td types.int 1; options.y = td types.bool options.x.isDefined; options.p = td types.int options.x.highestPrio; })); config.a.x = mkForce 3; } ])
      { a = { p = 50; x = 3; y = true; }; }
    ]
    [
      (cfg [
        (at "decl" { options.a = t (types.listOf (types.submodule ({ options, ... }: { options.x = td types.int 1; options.f = td types.anything (options.x.loc); }))); })
        (at "p" { a = [ { } { } ]; })
        (at "q" { a = [ { } ]; })
      ])
      { a = [ { f = [ "a" "[definition 1-entry 1]" "x" ]; x = 1; } { f = [ "a" "[definition 2-entry 1]" "x" ]; x = 1; } { f = [ "a" "[definition 2-entry 2]" "x" ]; x = 1; } ]; }
    ]
  ];

  # The list of options that documentation is made of.
  documentation = [
    [
      (map (o: o.name) (builtins.filter (o: o.visible && !o.internal) (lib.optionAttrSetToDocList (removeAttrs (opts [ { options.a = mkOption { visible = "shallow"; type = types.submodule { options.x = mkOption { }; }; }; options.b = mkOption { visible = "transparent"; type = types.submodule { options.x = mkOption { }; }; }; options.c = mkOption { visible = false; type = types.submodule { options.x = mkOption { }; }; }; options.d = mkOption { visible = true; type = types.submodule { options.x = mkOption { }; }; }; } ]) [ "_module" ]))))
      [ "a" "b.x" "d" "d.x" ]
      "25.11"
    ]
    [
      (map (o: o.name) (lib.optionAttrSetToDocList (removeAttrs (opts [ { options.d = mkOption { type = types.submodule { freeformType = types.attrsOf (types.submodule { options.x = mkOption { }; }); options.y = mkOption { }; }; }; } ]) [ "_module" ])))
      [
        "d"
        "d.<name>._module.args"
        "d.<name>._module.check"
        "d.<name>._module.freeformType"
        "d.<name>._module.specialArgs"
        "d.<name>.x"
        "d._module.args"
        "d._module.check"
        "d._module.freeformType"
        "d._module.specialArgs"
        "d.y"
      ]
    ]
    [ ((types.submodule { config.x = 1; }).description) "submodule" ]
    [ ((types.submodule { freeformType = types.attrsOf types.int; }).description) "open submodule of attribute set of signed integer" "25.11" ]
  ];

  # Definitions that are made of those of other options.
  derived = [
    [
      (cfg [ ({ options, ... }: { options.text = td (types.nullOr types.str) null; options.source = str; config.source = lib.mkDerivedConfig options.text (x: "src:${x}"); config.text = mkForce "q"; }) ])
      { source = "src:q"; text = "q"; }
    ]
    [
      (cfg [
        ({ options, ... }: { options.text = td (types.nullOr types.str) null; options.source = str; config.source = mkIf (options.text.isDefined) (lib.mkDerivedConfig options.text (x: "src:${toString x}")); config.text = mkDefault "q"; })
        { source = "own"; }
      ])
      { source = "own"; text = "q"; }
    ]
    [
      (cfg [ withWarnings (lib.mkRenamedOptionModule [ "old" ] [ "new" ]) { options.new.a = int; options.new.b = td types.int 2; } (at "u" { old.a = 1; }) ])
      {
        assertions = [ ];
        new = { a = 1; b = 2; };
        old = { a = 1; b = 2; };
        warnings = [ "The option `old' defined in `u' has been renamed to `new'." ];
      }
    ]
    [
      (cfg [ withWarnings (lib.mkRenamedOptionModule [ "old" ] [ "new" ]) { options.new = int; } (at "u" { old = mkDefault 1; }) (at "u" { new = 2; }) ])
      { assertions = [ ]; new = 2; old = 2; warnings = [ "The option `old' defined in `u' has been renamed to `new'." ]; }
    ]
    [
      (cfg [ withWarnings (lib.mkRenamedOptionModule [ "old" ] [ "new" ]) { options.new = ints; } (at "u" { old = [ 1 ]; new = [ 2 ]; }) ])
      { assertions = [ ]; new = [ 2 1 ]; old = [ 2 1 ]; warnings = [ "The option `old' defined in `u' has been renamed to `new'." ]; }
    ]
    [
      (cfg [
        withWarnings
        (lib.mkRenamedOptionModule [ "old" ] [ "new" ])
        { options.new = ints; }
        (at "u" { old = mkIf false [ 1 ]; })
        (at "v" { old = mkBefore [ 3 ]; new = [ 4 ]; })
      ])
      { assertions = [ ]; new = [ 4 3 ]; old = [ 4 3 ]; warnings = [ "The option `old' defined in `v' has been renamed to `new'." ]; }
    ]
    [
      (cfg [
        withWarnings
        (lib.mkRenamedOptionModuleWith { from = [ "old" ]; to = [ "new" ]; sinceRelease = 9911; })
        { options.new = ints; }
        (at "u" { old = [ 1 ]; })
      ])
      { assertions = [ ]; new = [ 1 ]; old = [ 1 ]; warnings = [ ]; }
    ]
    [
      (cfg [ { options.s = td (types.attrsOf (types.submodule { imports = [ (lib.mkAliasOptionModule [ "x" ] [ "y" "z" ]) ]; options.y.z = td types.int 1; })) { }; config.s.q.x = 5; } ])
      { s = { q = { x = 5; y = { z = 5; }; }; }; }
    ]
    [
      (cfg [ withWarnings (lib.mkChangedOptionModule [ "old" ] [ "new" ] (c: toString c.old)) { options.new = td types.str "d"; } ])
      { assertions = [ ]; new = "d"; old = "_mkMergedOptionModule"; warnings = [ ]; }
    ]
    [
      (cfg [
        withWarnings
        (lib.mkMergedOptionModule [ [ "a" ] [ "b" "c" ] ] [ "new" ] (c: "${toString c.a}"))
        { options.new = td types.str "d"; }
        (at "u" { b.c = 1; })
      ])
      {
        a = "_mkMergedOptionModule";
        assertions = [ ];
        b = { c = 1; };
        new = "_mkMergedOptionModule";
        warnings = [ "The option `b.c' defined in `u' has been changed to `new' that has a different type. Please read `new' documentation and update your configuration accordingly." ];
      }
    ]
    [
      (cfg [
        withWarnings
        (lib.mkRenamedOptionModule [ "a" ] [ "s" ])
        { options.s = td (types.attrsOf types.int) { }; config.a = { x = mkDefault 4; }; }
        { s.x = 5; a.y = mkForce 3; }
      ])
      {
        a = { x = 5; y = 3; };
        assertions = [ ];
        s = { x = 5; y = 3; };
        warnings = [ "The option `a' defined in `<unknown-file>' and `<unknown-file>' has been renamed to `s'." ];
      }
    ]
    [
      (cfg [
        withWarnings
        (lib.mkRenamedOptionModule [ "a" ] [ "s" "x" ])
        { options.s = td (types.submodule { options.x = td types.int 1; }) { }; config.a = 4; }
      ])
      { a = 4; assertions = [ ]; s = { x = 4; }; warnings = [ "The option `a' defined in `<unknown-file>' has been renamed to `s.x'." ]; }
    ]
    [
      ((cfg [ (lib.mkAliasOptionModule [ "x" ] [ "y" ]) { options.y = mkOption { type = types.int; apply = v: v + 1; }; config.x = 3; } ]))
      { x = 4; y = 4; }
    ]
    [ ((cfg [ (lib.mkAliasOptionModule [ "x" ] [ "y" ]) { options.y = td types.int 3; } ]).x) 3 ]
    [
      (lib.modules.mergeAttrDefinitionsWithPrio (ev [
        { options.o = t (types.attrsOf types.lines); }
        { o = { a = mkForce "1"; b = "2"; }; }
        { o.b = "3"; }
      ]).options.o)
      { a = { highestPrio = 50; value = "1"; }; b = { highestPrio = 100; value = "3\n2"; }; }
    ]
  ];
}
