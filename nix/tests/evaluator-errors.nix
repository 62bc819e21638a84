/*
  The texts of the errors of the evaluator: each case is `{ expr; has; }`, and evaluating `expr` must fail with a message
  that has all of these. Each is an evaluation of its own.
*/
{
  lib ? import ../lib/prelude,
}:
let
  inherit (lib) mkOption types;

  eval = modules: (lib.evalModules { inherit modules; }).config;
  at = file: module: module // { _file = file; };
  int = mkOption { type = types.int; };
in
{
  unknownOption = {
    expr = eval [ { options.port = int; options.name = int; } (at "web.nix" { prot = 1; }) ];
    has = [ "The option `prot' does not exist." "- In `web.nix': 1" "Did you mean `port' or `name'?" ];
  };
  unknownNestedOption = {
    expr = eval [ { options.a.b.port = int; } (at "web.nix" { a.b.prot = 1; }) ];
    has = [ "The option `a.b.prot' does not exist." "web.nix" "Did you mean `a.b.port'?" ];
  };
  optionInConfig = {
    expr = eval [ { options.a = int; } (at "web.nix" { config.b = mkOption { }; }) ];
    has = [ "The option `b' does not exist." "It seems as if you're trying to declare an option by placing it into `config' rather than `options'!" ];
  };
  wrongType = {
    expr = (eval [ { options.a = int; } (at "web.nix" { a = "x"; }) ]).a;
    has = [ "A definition for option `a' is not of type `signed integer'." "- In `web.nix': \"x\"" ];
  };
  wrongTypeInList = {
    expr = (eval [ { options.a = mkOption { type = types.listOf types.int; }; } (at "web.nix" { a = [ 1 "x" ]; }) ]).a;
    has = [ "A definition for option `a.\"[definition 1-entry 2]\"' is not of type `signed integer'." "web.nix" ];
  };
  wrongTypeInSubmodule = {
    expr = (eval [ { options.s = mkOption { type = types.attrsOf (types.submodule { options.a = int; }); }; } (at "web.nix" { s.k.a = "x"; }) ]).s.k.a;
    has = [ "A definition for option `s.k.a' is not of type `signed integer'." "web.nix" ];
  };
  conflict = {
    expr = (eval [ { options.a = int; } (at "one.nix" { a = 1; }) (at "two.nix" { a = 2; }) ]).a;
    has = [ "The option `a' has conflicting definition values:" "- In `one.nix': 1" "- In `two.nix': 2" "lib.mkForce" ];
  };
  missing = {
    expr = (eval [ { options.a.b = int; } ]).a.b;
    has = [ "The option `a.b' was accessed but has no value defined. Try setting the option." ];
  };
  readOnly = {
    expr = (eval [ { options.a = mkOption { type = types.int; readOnly = true; default = 1; }; } (at "web.nix" { a = 2; }) ]).a;
    has = [ "The option `a' is read-only, but it's set multiple times." "- In `web.nix': 2" ];
  };
  declaredTwice = {
    expr = (eval [ (at "one.nix" { options.a = mkOption { type = types.int; default = 1; }; }) (at "two.nix" { options.a = mkOption { type = types.str; }; }) ]).a;
    has = [ "The option `a' in `one.nix' is already declared in `two.nix'." ];
  };
  declaredTwiceInSubmodule = {
    expr = (eval [ (at "one.nix" { options.s = mkOption { default = { }; type = types.submodule { options.a = int; }; }; }) (at "two.nix" { options.s = mkOption { type = types.submodule { options.a = mkOption { type = types.str; }; }; }; }) ]).s.a;
    has = [ "The option `s.a' in " "one.nix" "already declared" "two.nix" ];
  };
  parentOfOptions = {
    expr = (eval [ (at "one.nix" { options.a = int; }) (at "two.nix" { options.a.b = int; }) ]).a;
    has = [ "The option `a' in module `one.nix' would be a parent of the following options, but its type `signed integer' does not support nested options." "`a.b' in module `two.nix'" ];
  };
  parentOfOptionsBelow = {
    expr = (eval [ (at "one.nix" { options.x.a = int; options.x.c = int; }) (at "two.nix" { options.x.a.b = int; }) { x.c = 1; } ]).x.c;
    has = [ "The option `x.a' in module `one.nix' would be a parent of the following options" "- option(s) with prefix `x.a.b' in module `two.nix'" ];
  };
  parentOfOptionsUnread = {
    expr = (eval [ (at "one.nix" { options.a = int; }) (at "two.nix" { options.a.b = int; }) { options.c = mkOption { default = 1; }; } ]).c;
    has = [ "The option `a' in module `one.nix' would be a parent of the following options, but its type `signed integer' does not support nested options." "- option(s) with prefix `a.b' in module `two.nix'" ];
  };
  notAnOption = {
    expr = (eval [ (at "one.nix" { options.a = types.int; }) ]).a;
    has = [ "In module one.nix: expected an option declaration at option path `a' but got an attribute set with type option-type" ];
  };
  mixedForms = {
    expr = eval [ { options.a = int; key = "mixed.nix"; a = 1; } ];
    has = [ "Module `mixed.nix' has an unsupported attribute `a'." ];
  };
  mixedFormsInFile = {
    expr = eval [ (at "web.nix" { config = { }; services = { }; }) ];
    has = [ "Module `web.nix' has an unsupported attribute `services'." "move all of them (namely: services) into the explicit `config' attribute" ];
  };
  declarationNotASet = {
    expr = eval [ (at "web.nix" { options.a.b = 5; }) ];
    has = [ "In module `web.nix': An option declaration for `a.b' has type" "`int' rather than an attribute set." "Did you mean to define this outside of `options'?" ];
  };
  definitionInDeclaration = {
    expr = eval [ (at "web.nix" { options = [ ]; }) ];
    has = [ "In module `web.nix': An option declaration for `' has type" "`list' rather than an attribute set." ];
  };
  notASet = {
    expr = eval [ { options.a.b = int; } (at "web.nix" { a = 1; }) ];
    has = [ "In module `web.nix', you're trying to define a value of type `int'" "`a'!" ];
  };
  notAModule = {
    expr = eval [ 1 ];
    has = [ "Expected a module, but found a value of type int" ];
  };
  fileOfNoModule = {
    expr = eval [ (builtins.toFile "five.nix" "5") ];
    has = [ "five.nix" ") does not look like a module." ];
  };
  moduleInOption = {
    expr = (eval [ { options.a.b = mkOption { type = types.submodule { }; }; } (at "web.nix" { a.b = { ... }: { imports = [ 5 ]; }; }) ]).a.b;
    has = [ "Expected a module, but found a value of type int, while trying to load a module into web.nix, while trying to load a module into a.b" ];
  };
  nestedImports = {
    expr = eval [ (at "web.nix" { imports = [ [ { } ] ]; }) ];
    has = [ "Module imports can't be nested lists." "web.nix" ];
  };
  missingArgument = {
    expr = eval [ { options.a = int; } ({ hsot, ... }: { a = hsot; }) { config._module.args.host = 1; } ];
    has = [ "attribute `hsot' missing" "Did you mean `host'?" ];
  };
  missingImport = {
    expr = eval [ ./no-such-file.nix ];
    has = [ "no-such-file.nix" ];
  };
  classMismatch = {
    expr = (lib.evalModules { class = "nixfleet"; modules = [ (at "os.nix" { _class = "nixos"; }) ]; }).config;
    has = [ "The module `os.nix` (class: \"nixos\") cannot be imported into a module evaluation that expects class \"nixfleet\"." ];
  };
  configurationAsModule = {
    expr = eval [ (lib.evalModules { modules = [ ]; }) ];
    has = [ "Expected a module, but found a value of type \"configuration\"" "please only import the modules that make up the configuration" ];
  };
  badCondition = {
    expr = (eval [ { options.a = int; } { a = lib.mkIf "yes" 1; } ]).a;
    has = [ "mkIf" "non-Boolean condition" ];
  };
  recursion = {
    expr = (eval [ ({ config, ... }: { options.a = int; config.a = config.a + 1; }) ]).a;
    has = [ "infinite recursion encountered" ];
  };
  conditionalImport = {
    expr = eval [ ({ config, ... }: { imports = if config.a then [ ] else [ { } ]; options.a = mkOption { }; }) ];
    has = [ "infinite recursion encountered" "you probably reference `config` in `imports`" "using `mkEnableOption` and `mkIf`" ];
  };
  importOfModuleArgument = {
    expr = eval [ ({ extra, ... }: { imports = [ extra ]; }) { _module.args.extra = { }; } ];
    has = [ "infinite recursion encountered" "while evaluating the module argument `extra' in" "you probably reference `config` in `imports`" ];
  };
  freeformReadsOption = {
    expr = eval [ ({ config, ... }: { freeformType = types.attrsOf types.int; options.a = mkOption { default = 1; }; config = lib.mkIf (config.a == 1) { b = 1; }; }) ({ config, ... }: { config = { c = lib.mkIf (config.a == 1) 1; }; }) ];
    has = [ "infinite recursion encountered" "you probably reference `config` in `imports`" ];
  };
  mergeImpossible = {
    expr = (eval [ { options.a = mkOption { }; } (at "one.nix" { a = 1; }) (at "two.nix" { a = 2; }) ]).a;
    has = [ "Cannot merge definitions of `a'." "one.nix" "two.nix" ];
  };
  notUnique = {
    expr = (eval [ { options.a = mkOption { type = types.unique { message = "One is enough."; } types.int; }; } (at "one.nix" { a = 1; }) (at "two.nix" { a = 1; }) ]).a;
    has = [ "The option `a' is defined multiple times while it's expected to be unique." "One is enough." "one.nix" "two.nix" ];
  };
  nullAndValue = {
    expr = (eval [ { options.a = mkOption { type = types.nullOr types.int; }; } (at "one.nix" { a = 1; }) (at "two.nix" { a = null; }) ]).a;
    has = [ "The option `a' is defined both null and not null" "one.nix" "two.nix" ];
  };
  anythingConflict = {
    expr = (eval [ { options.a = mkOption { type = types.anything; }; } (at "one.nix" { a = 1; }) (at "two.nix" { a = "x"; }) ]).a;
    has = [ "The option `a' has conflicting option types in" "one.nix" "two.nix" ];
  };
  attrTagBoth = {
    expr = (eval [ { options.a = mkOption { type = types.attrTag { x = int; y = int; }; }; } (at "one.nix" { a.x = 1; }) (at "two.nix" { a.y = 1; }) ]).a;
    has = [ "The option `a' is defined both as `" "one.nix" "two.nix" ];
  };
  attrTagBareType = {
    expr = (eval [ { options.a = mkOption { type = types.attrTag { x = types.int; }; }; } { a.x = 1; } ]).a;
    has = [ "In attrTag, each tag value must be an option, but tag x was a bare type, not wrapped in mkOption." ];
  };
  coercedSubmodule = {
    expr = types.coercedTo (types.submodule { }) (x: x) types.int;
    has = [ "coercedTo: coercedType must not have submodules" ];
  };
  oneOfNothing = {
    expr = types.oneOf [ ];
    has = [ "types.oneOf needs to get at least one type" ];
  };
  impossiblePath = {
    expr = types.pathWith { inStore = true; absolute = false; };
    has = [ "In pathWith, inStore means the path must be absolute" ];
  };
  emptyRange = {
    expr = types.ints.between 3 1;
    has = [ "ints.between: lowest must be smaller than highest" ];
  };
  emptyNumberRange = {
    expr = types.numbers.between 3 1;
    has = [ "numbers.between: lowest must be smaller than highest" ];
  };
  submoduleConflict = {
    expr = (eval [ { options.s = mkOption { type = types.submoduleWith { modules = [ ]; class = "a"; }; }; } { options.s = mkOption { type = types.submoduleWith { modules = [ ]; class = "b"; }; }; } ]).s;
    has = [ "A submoduleWith option is declared multiple times with conflicting class values" ];
  };
  submoduleArgsConflict = {
    expr = (eval [ { options.s = mkOption { type = types.submoduleWith { modules = [ ({ x, ... }: { options.a = mkOption { default = x; }; }) ]; specialArgs.x = 1; }; }; } { options.s = mkOption { type = types.submoduleWith { modules = [ ]; specialArgs.x = 2; }; }; } ]).s;
    has = [ "A submoduleWith option is declared multiple times with the same specialArgs \"x\"" ];
  };
  disabledWithoutKey = {
    expr = eval [ (at "web.nix" { disabledModules = [ { } ]; }) ];
    has = [ "web.nix" "does not have a `key` attribute" ];
  };
  disabledNonsense = {
    expr = eval [ (at "web.nix" { disabledModules = [ (x: x) ]; }) ];
    has = [ "Each disabledModules item must be" "web.nix" ];
  };
  removedOption = {
    expr = (eval [ (lib.mkRemovedOptionModule [ "old" ] "Use new.") { options.assertions = mkOption { default = [ ]; }; } ]).old;
    has = [ "old" ];
  };
  readOfRenamedToNowhere = {
    expr = (eval [ (lib.mkAliasOptionModule [ "x" ] [ "y" "z" ]) { x = 1; _module.check = false; } ]).x;
    has = [ "Renaming error: option `y.z' does not exist." ];
  };
  renamedToNowhere = {
    expr = (eval [ (lib.mkAliasOptionModule [ "x" ] [ "y" "z" ]) { x = 1; } ]).x;
    has = [ "The option `y' does not exist." "Definition values:" ];
  };
  sink = {
    expr = (eval [ { options.a = lib.mkSinkUndeclaredOptions { }; } { a = 1; } ]).a;
    has = [ "Option value is not readable because the option is not declared." ];
  };
  packageOption = {
    expr = (eval [ { options.a = lib.mkPackageOption { } "hello" { }; } ]).a;
    has = [ "hello cannot be found in pkgs" ];
  };
  literalMD = {
    expr = lib.literalMD 1;
    has = [ "literalMD expects a string." ];
  };
  literal = {
    expr = lib.literalExpression 1;
    has = [ "literalExpression expects a string." ];
  };
  mkAssertMessage = {
    expr = (eval [ { options.a = int; } { a = lib.mkAssert false "it must hold" 1; } ]).a;
    has = [ "Failed assertion: it must hold" ];
  };
}
