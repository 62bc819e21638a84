# lib.modules and lib.options: what the evaluator makes of modules.
{ lib }:
let
  inherit (lib) evalModules mkOption types;
  list = mkOption { type = types.listOf types.int; default = [ ]; };
  int = mkOption { type = types.int; };
  eval = modules: (evalModules { inherit modules; }).config;
  fails = x: !(builtins.tryEval (builtins.deepSeq x null)).success;
  # With the options that renaming uses to tell people something.
  withWarnings = modules: eval (modules ++ [ { options = { warnings = mkOption { type = types.listOf types.str; default = [ ]; }; assertions = mkOption { type = types.listOf types.unspecified; default = [ ]; }; }; } ]);
  defs = values: map (value: { file = "f"; inherit value; }) values;
in
{
  evalModules = [
    # Short and long form, imports of all kinds, and the order of lists.
    [ (eval [ { options.a = list; } { a = [ 1 ]; } { config.a = [ 2 ]; } ]) { a = [ 2 1 ]; } ]
    [
      (eval [ { options.a = list; imports = [ { a = [ 1 ]; imports = [ { a = [ 2 ]; } ]; } ../fixtures/module.nix ]; config.a = [ 0 ]; } { a = [ 5 ]; } ]).a
      [ 2 9 1 5 0 ]
    ]
    # The same file twice is one module.
    [ (eval [ { options.a = list; } ../fixtures/module.nix { imports = [ ../fixtures/module.nix ]; } ]).a [ 9 ] ]
    # A definition may read any other option, whatever the order.
    [ (eval [ ({ config, ... }: { options.a = int; options.b = int; config.a = config.b + 1; }) ({ config, ... }: { b = 1; }) ]) { a = 2; b = 1; } ]
    # Nobody looks at what mkIf guards, or at a broken value that is not needed.
    [ (eval [ { options.a = int; options.b = mkOption { default = throw "not needed"; }; config.a = 1; } { a = lib.mkIf false (throw "guarded"); } ]).a 1 ]
    # Conditions may depend on options of the set they guard.
    [ (eval [ ({ config, ... }: { options.on = mkOption { default = true; }; options.s.a = int; config = lib.mkIf config.on { s.a = 3; }; }) ]).s.a 3 ]
    # Arguments: _module.args, and specialArgs for imports.
    [ (eval [ { options.a = int; config._module.args.x = 4; } ({ x, ... }: { a = x; }) ]).a 4 ]
    [ (evalModules { modules = [ { options.a = int; } ({ which, ... }: { imports = [ which ]; }) ]; specialArgs.which = { a = 6; }; }).config.a 6 ]
    # Nested options, and options whose names meet in several modules.
    [ (eval [ { options.a.b = int; } { options.a.c = int; } { a = lib.mkMerge [ { b = 1; } { c = 2; } ]; } ]) { a = { b = 1; c = 2; }; } ]
    # Declared twice: the types become one.
    [ (eval [ { options.a = mkOption { type = types.enum [ 1 ]; }; } { options.a = mkOption { type = types.enum [ 2 ]; }; } { a = 2; } ]).a 2 ]
    [
      (eval [
        { options.s = mkOption { default = { }; type = types.submodule { options.a = mkOption { default = 1; }; }; }; }
        { options.s = mkOption { type = types.submodule { options.b = mkOption { default = 2; }; }; }; }
        { options.s.c = mkOption { default = 3; }; }
      ]).s
      { a = 1; b = 2; c = 3; }
    ]
    # Free form.
    [ (eval [ { freeformType = types.attrsOf types.int; options.a = int; config.a = 1; config.z = 2; } ]) { a = 1; z = 2; } ]
    [ (eval [ { _module.freeformType = types.lazyAttrsOf (types.lazyAttrsOf types.int); } { x.y = 1; } ]) { x.y = 1; } ]
    [ (eval [ { options.s.a = mkOption { default = 1; }; config._module.freeformType = types.anything; } { s.b = 2; } ]) { s = { a = 1; b = 2; }; } ]
    # Unchecked.
    [ (eval [ { options.a = int; config._module.check = false; config.a = 1; config.unknown = 2; } ]) { a = 1; } ]
    # disabledModules, by path and by key.
    [ (eval [ { options.a = list; disabledModules = [ ../fixtures/module.nix ]; } ../fixtures/module.nix ]).a [ ] ]
    [ (eval [ { options.a = list; disabledModules = [ { key = "k"; } ]; } { key = "k"; a = [ 1 ]; } ]).a [ ] ]
    # Classes.
    [ (evalModules { class = "c"; modules = [ { _class = "c"; options.a = mkOption { default = 1; }; } ]; }).config.a 1 ]
    [ (fails (evalModules { class = "c"; modules = [ { _class = "d"; } ]; }).config) true ]
    # extendModules keeps what there was.
    [ ((evalModules { modules = [ { options.a = list; config.a = [ 1 ]; } ]; }).extendModules { modules = [ { a = lib.mkForce [ 2 ]; } ]; }).config.a [ 2 ] ]
    [ ((evalModules { modules = [ ({ x, ... }: { options.a = mkOption { default = x; }; }) ]; specialArgs.x = 1; }).extendModules { specialArgs.x = 2; }).config.a 2 ]
    # The configuration's type as a submodule.
    [ (eval [ { options.s = mkOption { type = (evalModules { modules = [ { options.a = int; } ]; }).type; }; config.s.a = 1; } ]).s { a = 1; } ]
    # apply, readOnly, meta.
    [ (eval [ { options.a = mkOption { type = types.int; apply = x: x * 2; }; config.a = 2; } ]).a 4 ]
    [ (eval [ { options.a = mkOption { type = types.int; readOnly = true; default = 1; }; } ]).a 1 ]
    [ (fails (eval [ { options.a = mkOption { type = types.int; readOnly = true; default = 1; }; config.a = 2; } ]).a) true ]
    [ (eval [ { options.meta.m = mkOption { }; config = { }; meta.m = 1; } ]).meta.m 1 ]
    # Who imports whom.
    [
      (evalModules { modules = [ { key = "a"; _file = "f"; imports = [ { key = "b"; } ]; } { key = "c"; disabledModules = [ { key = "b"; } ]; } ]; }).graph
      [
        { key = "a"; file = "f"; disabled = false; imports = [ { key = "b"; file = "f"; disabled = true; imports = [ ]; } ]; }
        { key = "c"; file = "<unknown-file>"; disabled = false; imports = [ ]; }
      ]
      "25.11"
    ]
    # A configuration, and an option, can be values.
    [ (eval [ { options.a = mkOption { type = types.anything; }; config.a = evalModules { modules = [ { options.b = int; config.b = 1; } ]; }; } ]).a.config { b = 1; } ]
    [ (evalModules { modules = [ { options.a = int; config.a = 1; } ]; }).options.a.valueMeta { } "25.11" ]
    # What options says.
    [
      (
        let
          o = (evalModules { modules = [ { options.a.b = list; } { _file = "one"; a.b = [ 1 ]; } { _file = "two"; a.b = lib.mkForce [ 2 ]; } ]; }).options.a.b;
        in
        {
          inherit (o) value isDefined highestPrio files definitions definitionsWithLocations loc;
          name = toString o;
        }
      )
      {
        value = [ 2 ];
        isDefined = true;
        highestPrio = 50;
        files = [ "two" ];
        definitions = [ [ 2 ] ];
        definitionsWithLocations = [ { file = "two"; value = [ 2 ]; } ];
        loc = [ "a" "b" ];
        name = "a.b";
      }
    ]
    [ (evalModules { modules = [ { options.a = int; } ]; }).options.a.isDefined false ]
    [ (evalModules { prefix = [ "p" ]; modules = [ { options.a = list; } ]; }).options.a.loc [ "p" "a" ] ]
    # Errors.
    [ (fails (eval [ { unknown = 1; } ])) true ]
    [ (fails (eval [ { options.a = int; } ]).a) true ]
    [ (fails (eval [ { options.a = int; config.a = 1; } { a = 2; } ]).a) true ]
    [ (fails (eval [ { options.a = int; config = { }; b = 1; } ])) true ]
  ];

  mkOption = [ [ (mkOption { default = 1; })._type "option" ] ];
  mkEnableOption = [ [ (lib.mkEnableOption "x").description "Whether to enable x." ] [ (eval [ { options.a = lib.mkEnableOption "x"; } ]).a false ] ];
  mkPackageOption = [
    [ (eval [ { options.a = lib.mkPackageOption { hello = { type = "derivation"; name = "hi"; }; } "hello" { }; } ]).a.name "hi" ]
    [ (lib.mkPackageOption { } "hello" { nullable = true; default = null; }).default null ]
    [ (lib.mkPackageOption { a."1" = 1; } [ "a" "1" ] { }).defaultText.text ''pkgs.a."1"'' ]
  ];
  mkIf = [ [ (eval [ { options.a = list; } { a = lib.mkIf true [ 1 ]; } { a = lib.mkIf false [ 2 ]; } ]).a [ 1 ] ] ];
  mkMerge = [ [ (eval [ { options.a = list; } { a = lib.mkMerge [ [ 1 ] [ 2 ] ]; } ]).a [ 1 2 ] ] ];
  mkOverride = [ [ (eval [ { options.a = int; } { a = lib.mkOverride 90 1; } { a = 2; } ]).a 1 ] ];
  mkOptionDefault = [ [ (eval [ { options.a = list; } { a = lib.mkOptionDefault [ 1 ]; } ]).a [ 1 ] ] [ (lib.mkOptionDefault 1).priority 1500 ] ];
  mkDefault = [ [ (eval [ { options.a = int; } { a = lib.mkDefault 1; } { a = 2; } ]).a 2 ] [ (lib.mkDefault 1).priority 1000 ] ];
  mkImageMediaOverride = [ [ (lib.mkImageMediaOverride 1).priority 60 ] ];
  mkForce = [ [ (eval [ { options.a = int; } { a = lib.mkForce 1; } { a = 2; } ]).a 1 ] ];
  mkVMOverride = [ [ (eval [ { options.a = int; } { a = lib.mkVMOverride 1; } { a = lib.mkForce 2; } ]).a 1 ] ];
  mkOrder = [ [ (eval [ { options.a = list; } { a = lib.mkOrder 2000 [ 2 ]; } { a = lib.mkOrder 200 [ 1 ]; } ]).a [ 1 2 ] ] ];
  mkBefore = [ [ (eval [ { options.a = list; } { a = [ 2 ]; } { a = lib.mkBefore [ 1 ]; } ]).a [ 1 2 ] ] [ (lib.mkBefore 1).priority 500 ] ];
  mkAfter = [ [ (eval [ { options.a = list; } { a = lib.mkAfter [ 2 ]; } { a = [ 1 ]; } ]).a [ 1 2 ] ] ];
  mkAssert = [ [ (eval [ { options.a = int; } { a = lib.mkAssert true "no" 1; } ]).a 1 ] [ (fails (eval [ { options.a = int; } { a = lib.mkAssert false "yes" 1; } ]).a) true ] ];
  mkDefinition = [
    [ (evalModules { modules = [ { options.a = list; } { a = lib.mkDefinition { file = "other"; value = [ 1 ]; }; } ]; }).options.a.files [ "other" ] ]
  ];
  dischargeProperties = [ [ (lib.dischargeProperties (lib.mkMerge [ 1 (lib.mkIf false 2) (lib.mkIf true 3) ])) [ 1 3 ] ] ];
  pushDownProperties = [ [ (lib.pushDownProperties (lib.mkIf true { a = 1; })) [ { a = { _type = "if"; condition = true; content = 1; }; } ] ] ];
  filterOverrides = [ [ (lib.filterOverrides (defs [ 1 (lib.mkForce 2) ])) (defs [ 2 ]) ] ];
  filterOverrides' = [ [ (lib.modules.filterOverrides' (defs [ 1 ])).highestPrio 100 ] ];
  sortProperties = [ [ (map (d: d.value) (lib.sortProperties (defs [ 1 (lib.mkBefore 2) ]))) [ 2 1 ] ] ];
  defaultOrderPriority = [ [ lib.modules.defaultOrderPriority 1000 ] ];
  defaultOverridePriority = [ [ lib.modules.defaultOverridePriority 100 ] ];
  mergeDefinitions = [
    [ (lib.mergeDefinitions [ "x" ] types.int (defs [ (lib.mkDefault 1) 2 ])).mergedValue 2 ]
    [ (lib.mergeDefinitions [ "x" ] types.int (defs [ ])).isDefined false ]
    [ (lib.mergeDefinitions [ "x" ] types.int (defs [ 1 ])).optionalValue { value = 1; } ]
  ];
  mergeOptionDecls = [
    [ (lib.mergeOptionDecls [ "x" ] [ { _file = "f"; options = mkOption { default = 1; }; } { _file = "g"; options = mkOption { description = "d"; }; } ]).declarations [ "f" "g" ] ]
  ];
  evalOptionValue = [ [ (lib.evalOptionValue [ "x" ] { type = types.int; declarations = [ "f" ]; } (defs [ 1 ])).value 1 ] ];
  mergeAttrDefinitionsWithPrio = [
    [
      (lib.mapAttrs (_: d: d.highestPrio) (
        lib.modules.mergeAttrDefinitionsWithPrio
          (evalModules { modules = [ { options.o = mkOption { type = types.attrsOf types.int; }; config.o = { a = lib.mkForce 1; b = 2; }; } ]; }).options.o
      ))
      { a = 50; b = 100; }
    ]
  ];
  setDefaultModuleLocation = [
    [ (evalModules { modules = [ { options.a = list; } (lib.setDefaultModuleLocation "here" { a = [ 1 ]; }) ]; }).options.a.files [ "here" ] ]
  ];
  importApply = [ [ (eval [ { options.a = list; } (lib.modules.importApply ../fixtures/apply.nix { value = 3; }) ]).a [ 3 ] ] ];
  importJSON = [ [ (eval [ { options.a = int; } (lib.modules.importJSON (builtins.toFile "x.json" "{\"a\": 1}")) ]).a 1 ] ];
  importTOML = [ [ (eval [ { options.a = int; } (lib.modules.importTOML (builtins.toFile "x.toml" "a = 1")) ]).a 1 ] ];
  unknownModule = [ [ (evalModules { modules = [ { options.a = list; } { a = [ ]; } ]; }).options.a.files [ "<unknown-file>" ] ] ];

  mkRenamedOptionModule = [
    [ (withWarnings [ (lib.mkRenamedOptionModule [ "old" ] [ "new" ]) { options.new = int; config.old = 1; } ]).new 1 ]
    [ (withWarnings [ (lib.mkRenamedOptionModule [ "old" ] [ "new" ]) { options.new = int; config.old = 1; } ]).warnings [ "The option `old' defined in `<unknown-file>' has been renamed to `new'." ] ]
  ];
  mkRenamedOptionModuleWith = [
    [ (withWarnings [ (lib.mkRenamedOptionModuleWith { from = [ "old" ]; to = [ "new" ]; sinceRelease = 2205; }) { options.new = int; config.old = 1; } ]).new 1 ]
  ];
  mkRemovedOptionModule = [
    [ (map (a: a.assertion) (withWarnings [ (lib.mkRemovedOptionModule [ "old" ] "It is gone.") { old = 1; } ]).assertions) [ false ] ]
    [ (map (a: a.assertion) (withWarnings [ (lib.mkRemovedOptionModule [ "old" ] "It is gone.") ]).assertions) [ true ] ]
  ];
  mkAliasOptionModuleMD = [
    [ (eval [ (lib.mkAliasOptionModuleMD [ "x" ] [ "y" ]) { options.y = int; config.x = 1; } ]) { x = 1; y = 1; } ]
  ];
  mkAliasOptionModule = [
    [ (eval [ (lib.mkAliasOptionModule [ "x" ] [ "y" ]) { options.y = int; config.x = 1; } ]) { x = 1; y = 1; } ]
    [ (eval [ (lib.mkAliasOptionModule [ "x" ] [ "y" ]) { options.y = int; config.x = lib.mkForce 1; config.y = 2; } ]).y 1 ]
  ];
  mkChangedOptionModule = [
    [ (withWarnings [ (lib.mkChangedOptionModule [ "old" ] [ "new" ] (config: config.old * 2)) { options.new = int; config.old = 2; } ]).new 4 ]
  ];
  mkMergedOptionModule = [
    [ (withWarnings [ (lib.mkMergedOptionModule [ [ "a" ] [ "b" ] ] [ "new" ] (config: config.a + config.b)) { options.new = int; config.a = 1; config.b = 2; } ]).new 3 ]
  ];
  doRename = [
    [ (eval [ (lib.doRename { from = [ "x" ]; to = [ "y" ]; visible = true; warn = false; use = v: v; }) { options.y = list; config.x = [ 1 ]; } ]).y [ 1 ] ]
  ];
  mkAliasDefinitions = [
    [ (eval [ ({ options, ... }: { options.a = list; options.b = list; config.b = lib.mkAliasDefinitions options.a; config.a = [ 1 ]; }) ]).b [ 1 ] ]
  ];
  mkAliasAndWrapDefinitions = [
    [ (eval [ ({ options, ... }: { options.a = list; options.b = list; config = lib.mkAliasAndWrapDefinitions (x: { b = x; }) options.a; }) { a = [ 1 ]; } ]).b [ 1 ] ]
  ];
  mkAliasAndWrapDefsWithPriority = [
    [ (eval [ ({ options, ... }: { options.a = list; options.b = list; config = lib.modules.mkAliasAndWrapDefsWithPriority (x: { b = x; }) options.a; }) { a = lib.mkForce [ 1 ]; b = [ 2 ]; } ]).b [ 1 ] ]
  ];
  mkDerivedConfig = [
    [ (eval [ ({ options, ... }: { options.a = int; options.b = int; config.b = lib.mkDerivedConfig options.a (x: x + 1); config.a = lib.mkForce 1; }) { b = 5; } ]).b 2 ]
    [ (lib.mkDerivedConfig { highestPrio = 7; value = 1; } (x: x + 1)) (lib.mkOverride 7 2) ]
  ];
  mkAliasIfDef = [ [ (lib.modules.mkAliasIfDef { _type = "option"; isDefined = false; } 1).condition false ] ];
  mkSinkUndeclaredOptions = [ [ (lib.mkSinkUndeclaredOptions { }).type.name "sink" ] ];

  isOption = [ [ (lib.isOption (mkOption { })) true ] [ (lib.isOption { }) false ] ];
  literalExpression = [ [ (lib.literalExpression "x") { _type = "literalExpression"; text = "x"; } ] ];
  literalMD = [ [ (lib.literalMD "x") { _type = "literalMD"; text = "x"; } ] [ (fails (lib.literalMD 1)) true ] ];
  getFiles = [ [ (lib.getFiles (defs [ 1 ])) [ "f" ] ] ];
  getValues = [ [ (lib.getValues (defs [ 1 2 ])) [ 1 2 ] ] ];
  mergeDefaultOption = [
    [ (lib.mergeDefaultOption [ "x" ] (defs [ [ 1 ] [ 2 ] ])) [ 1 2 ] ]
    [ (lib.mergeDefaultOption [ "x" ] (defs [ true false ])) true ]
    [ (lib.mergeDefaultOption [ "x" ] (defs [ "a" "b" ])) "ab" ]
    [ (lib.mergeDefaultOption [ "x" ] (defs [ { a = 1; } { b = 1; } ])) { a = 1; b = 1; } ]
    [ (fails (lib.mergeDefaultOption [ "x" ] (defs [ 1 2 ]))) true ]
  ];
  mergeEqualOption = [ [ (lib.mergeEqualOption [ "x" ] (defs [ 1 1 ])) 1 ] [ (fails (lib.mergeEqualOption [ "x" ] (defs [ 1 2 ]))) true ] ];
  mergeOneOption = [ [ (lib.mergeOneOption [ "x" ] (defs [ 1 ])) 1 ] [ (fails (lib.mergeOneOption [ "x" ] (defs [ 1 1 ]))) true ] ];
  mergeUniqueOption = [ [ (lib.mergeUniqueOption { message = "once"; } [ "x" ] (defs [ 1 ])) 1 ] ];
  optionAttrSetToDocList = [
    [
      (map (o: { inherit (o) name type; default = o.default.text or null; }) (
        lib.filter (o: !o.internal && o.visible) (lib.optionAttrSetToDocList (removeAttrs (evalModules { modules = [ { options.a.b = mkOption { type = types.int; default = 1; }; } ]; }).options [ "_module" ]))
      ))
      [ { name = "a.b"; type = "signed integer"; default = "1"; } ]
    ]
  ];
  optionAttrSetToDocList' = [ [ (lib.optionAttrSetToDocList' [ ] { }) [ ] ] ];
  renderOptionValue = [ [ (lib.options.renderOptionValue [ 1 ]).text "[\n  1\n]" ] ];
  scrubOptionValue = [ [ (lib.scrubOptionValue { type = "derivation"; name = "x"; secret = 1; }) { type = "derivation"; drvPath = "x"; outPath = "x"; name = "x"; } ] ];
  showDefs = [ [ (lib.options.showDefs (defs [ 1 [ "a" ] (throw "hidden") ])) "\n- In `f': 1\n- In `f':\n    [\n      \"a\"\n    ]\n- In `f'" ] ];
  showFiles = [ [ (lib.showFiles [ "a" "b" ]) "`a' and `b'" ] ];
  showOption = [ [ (lib.showOption [ "a" "b c" "<name>" "<other>" "*" "{x}" ]) ''a."b c".<name>.<other>.*."{x}"'' ] ];
  showOptionWithDefLocs = [ [ (lib.showOptionWithDefLocs { loc = [ "a" ]; files = [ "f" ]; }) "a, with values defined in:\n  - f\n" ] ];
}
