/*
  The texts of errors: each case is `{ expr; has; }`, and evaluating `expr` must fail with a message that has all of these.
  Each is an evaluation of its own.
*/
{
  lib ? import ../lib/prelude,
}:
let
  fleet = import ./fleet.nix { };
  inherit (fleet)
    host
    result
    result'
    inventory
    ;
  inherit (lib) mkOption types;

  eval = modules: (lib.evalModules { inherit modules; }).config;
  at = file: module: module // { _file = file; };
  int = mkOption { type = types.int; };
  addr = {
    base = "ubuntu";
    addr = "10.0.0.1";
  };
  one = fields: result { hosts.h = addr // fields; };
in
{
  # The evaluator.
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
  notAnOption = {
    expr = (eval [ (at "one.nix" { options.a = types.int; }) ]).a;
    has = [ "In module one.nix: expected an option declaration at option path `a' but got an attribute set with type option-type" ];
  };
  mixedForms = {
    expr = eval [ { options.a = int; key = "mixed.nix"; a = 1; } ];
    has = [ "Module `mixed.nix' has an unsupported attribute `a'." ];
  };
  notASet = {
    expr = eval [ { options.a.b = int; } (at "web.nix" { a = 1; }) ];
    has = [ "In module `web.nix', you're trying to define a value of type `int'" "`a'!" ];
  };
  notAModule = {
    expr = eval [ 1 ];
    has = [ "Expected a module, but found a value of type int" ];
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
  renamedToNowhere = {
    expr = (eval [ (lib.mkAliasOptionModule [ "x" ] [ "y" "z" ]) { x = 1; } ]).x;
    has = [ "y.z" "does not exist" ];
  };
  sink = {
    expr = (eval [ { options.a = lib.mkSinkUndeclaredOptions { }; } { a = 1; } ]).a;
    has = [ "Option value is not readable because the option is not declared." ];
  };
  packageOption = {
    expr = (eval [ { options.a = lib.mkPackageOption { } "hello" { }; } ]).a;
    has = [ "hello cannot be found in pkgs" ];
  };
  literal = {
    expr = lib.literalExpression 1;
    has = [ "literalExpression expects a string." ];
  };
  mkAssertMessage = {
    expr = (eval [ { options.a = int; } { a = lib.mkAssert false "it must hold" 1; } ]).a;
    has = [ "Failed assertion: it must hold" ];
  };

  # lib.
  beyond = {
    expr = lib.fileset;
    has = [ "lib.fileset is not part of NixFleet's own lib; give mkFleet a nixpkgs" ];
  };
  beyondTypes = {
    expr = lib.types.json;
    has = [ "lib.types.json is not part of NixFleet's own lib" ];
  };
  beyondGenerators = {
    expr = lib.generators.toLua;
    has = [ "lib.generators.toLua is not part of NixFleet's own lib" ];
  };
  assertMsg = { expr = lib.assertMsg false "the message"; has = [ "the message" ]; };
  assertOneOf = { expr = lib.assertOneOf "x" "c" [ "a" "b" ]; has = [ "x must be one of" "\"c\"" ]; };
  assertEachOneOf = { expr = lib.asserts.assertEachOneOf "x" [ "c" ] [ "a" ]; has = [ "each element in x must be one of" ]; };
  checkAssertWarn = { expr = lib.asserts.checkAssertWarn [ { assertion = false; message = "it broke"; } ] [ ] 1; has = [ "Failed assertions:" "- it broke" ]; };
  checkListOfEnum = { expr = lib.checkListOfEnum "colour" [ "red" ] [ "blue" ] 1; has = [ "colour: blue unexpected; valid ones: red" ]; };
  last = { expr = lib.last [ ]; has = [ "lists.last: list must not be empty!" ]; };
  init = { expr = lib.init [ ]; has = [ "lists.init: list must not be empty!" ]; };
  removePrefix = { expr = lib.lists.removePrefix [ 1 ] [ 2 ]; has = [ "the first list is not a prefix of the second" ]; };
  toBaseDigits = { expr = lib.toBaseDigits 1 1; has = [ "lib.toBaseDigits" ]; };
  getAttrFromPath = { expr = lib.getAttrFromPath [ "a" "b" ] { }; has = [ "cannot find attribute 'a.b'" ]; };
  getExe = { expr = lib.getExe "x"; has = [ "getExe: a package is expected, got a string" ]; };
  unionOfDisjoint = { expr = (lib.attrsets.unionOfDisjoint { a = 1; } { a = 2; }).a; has = [ "unionOfDisjoint: collision on a" ]; };
  toInt = { expr = lib.toInt "x1"; has = [ "toInt: Could not convert \"x1\" to int." ]; };
  toIntZero = { expr = lib.toInt "007"; has = [ "Ambiguity in interpretation of \"007\"" ]; };
  toIntBase10 = { expr = lib.toIntBase10 "x"; has = [ "toIntBase10: Could not convert \"x\" to int." ]; };
  fixedWidthString = { expr = lib.fixedWidthString 1 "0" "abc"; has = [ "requested string length (1) must not be shorter than actual length (3)" ]; };
  toShellVar = { expr = lib.toShellVar "a-b" 1; has = [ "toShellVar: a-b is not a valid shell variable name" ]; };
  mkValueString = { expr = lib.generators.toINI { } { a.b = { }; }; has = [ "generators.mkValueStringDefault: attrsets are not supported" ]; };
  withRecursion = { expr = lib.generators.withRecursion { depthLimit = 0; } { a.b = 1; }; has = [ "Exceeded maximum eval-depth limit of 0" ]; };

  # Fleets; what is wrong with an inventory is no error but data, see cases/inventory.nix.
  missingAddr = {
    # Its own fault is told of web-1; this is for whoever reads it.
    expr = result { hosts = { web-1 = { base = "ubuntu"; }; h = addr; }; modules = [ ({ hosts, ... }: { nixfleet.files."/x".text = hosts.web-1.addr; }) ]; };
    has = [ "host \"web-1\" (" ") has no address" ];
  };
  missingBase = {
    expr = result { hosts = { web-1.addr = "x"; h = addr; }; modules = [ ({ hosts, ... }: { nixfleet.files."/x".text = hosts.web-1.base; }) ]; };
    has = [ "host \"web-1\" (" ") has no base (ubuntu, debian or nixos)" ];
  };
  unknownArgument = {
    expr = result { hosts.h = addr; moduls = [ ]; };
    has = [ "mkFleet has no argument `moduls'. Did you mean `modules'? The arguments are: defaults, groups, hostModules, hosts, inventory, modules, name, nixpkgs, packages, roles, rollout, specialArgs, timeZone" ];
  };
  argumentsNotASet = {
    expr = fleet.compile { output = { nixfleet, ... }: nixfleet.mkFleet [ ]; request.version = 1; };
    has = [ "mkFleet takes a set of arguments, not a list" ];
  };
  moduleInQuotes = {
    expr = result { hosts.h = addr; modules = [ "modules/web.nix" ]; };
    has = [ "mkFleet: modules has the text \"modules/web.nix\", which is no module; write a path, without quotes: ./modules/web.nix" ];
  };
  numberForModule = {
    expr = one { modules = [ 5 ]; };
    has = [ "mkFleet: the modules of host \"h\" (" ") has 5, which is no module; a module is a path, a set or a function" ];
  };
  rolesNotASet = {
    expr = result { roles = [ ]; hosts.h = addr // { roles = [ "x" ]; }; };
    has = [ "mkFleet: roles must be a directory or a set of modules, not a list" ];
  };
  badMode = {
    expr = host [ (at "modules/web.nix" { nixfleet.files."/etc/x" = { text = ""; mode = "9999"; }; }) ];
    has = [ "A definition for option `hosts.h.nixfleet.files.\"/etc/x\".mode' is not of type `file mode of three or four octal digits, such as \"0644\"'" "- In `modules/web.nix': \"9999\"" ];
  };
  # Modules written in place name their file as well.
  functionInPlace = {
    expr = host [ ({ lib, ... }: { nixfleet.files."/etc/x" = { text = ""; mode = "rw"; }; }) ];
    has = [ "errors.nix': \"rw\"" ];
  };
  badUnitName = {
    expr = host [ { nixfleet.files."/etc/x" = { text = ""; restartUnits = [ "web" ]; }; } ];
    has = [ "`hosts.h.nixfleet.files.\"/etc/x\".restartUnits" "systemd unit name" ];
  };
  badUser = {
    expr = host [ { nixfleet.files."/etc/x" = { text = ""; owner = "Web User"; }; } ];
    has = [ "`hosts.h.nixfleet.files.\"/etc/x\".owner'" "user or group name" ];
  };
  misspeltIntent = {
    expr = host [ (at "modules/web.nix" { nixfleet.file."/etc/x".text = ""; }) ];
    has = [ "The option `hosts.h.nixfleet.file' does not exist." "modules/web.nix" "`hosts.h.nixfleet.files'" ];
  };
  misspeltFileOption = {
    expr = host [ (at "modules/web.nix" { nixfleet.files."/etc/x".txt = ""; }) ];
    has = [ "The option `hosts.h.nixfleet.files.\"/etc/x\".txt' does not exist." "`hosts.h.nixfleet.files.\"/etc/x\".text'" ];
  };
  contentTwice = {
    expr = host [ { nixfleet.files."/etc/x" = { text = ""; symlink = "/y"; }; } ];
    has = [ "host \"h\": nixfleet.files.\"/etc/x\" (" "errors.nix:" "needs exactly one of text, source and symlink, but has text and symlink" ];
  };
  contentMissing = {
    expr = host [ { nixfleet.files."/etc/x".mode = "0600"; } ];
    has = [ "needs exactly one of text, source and symlink, but has none" ];
  };
  sourceOutside = {
    expr = host [ { nixfleet.files."/etc/x".source = "/etc/passwd"; } ];
    has = [ "the source /etc/passwd is not in the Nix store; write it as a path of the fleet, such as ./file" ];
  };
  failedAssertion = {
    expr = host [ { assertions = [ { assertion = false; message = "a web host needs a db"; } ]; } ];
    has = [ "host \"h\": failed assertions:" "- a web host needs a db" ];
  };
  moduleThrows = {
    expr = host [ { nixfleet.files."/etc/x".text = throw "no port for this host"; } ];
    has = [ "no port for this host" "while evaluating the host `h'" ];
  };
  unknownPackageArgument = {
    expr = host [ ({ pkg, ... }: { nixfleet.packages = [ pkg.x ]; }) ];
    has = [ "attribute `pkg' missing" "Did you mean `pkgs'?" ];
  };
  notAFleet = {
    expr = fleet.compile { output = { }; request.version = 1; };
    has = [ "the flake output `nixfleet' must be what nixfleet.mkFleet gives" ];
  };
  otherRequest = {
    expr = fleet.compile { output = { }; request.version = 2; };
    has = [ "internal error: this library answers requests of version 1, not 2" ];
  };
  fromFileNotExecutable = {
    expr = host [ ({ pkgs, ... }: { nixfleet.packages = [ (pkgs.fromFile { name = "app"; path = { outPath = ./errors.nix; executable = false; }; }) ]; }) ];
    has = [ "fromFile app: " "is not executable; make it so with chmod +x" ];
  };
  destinationOutside = {
    expr = host [ ({ pkgs, ... }: { nixfleet.packages = [ (pkgs.writeTextFile { name = "x"; text = ""; destination = "/../x"; }) ]; }) ];
    has = [ "the destination \"/../x\" is not a path inside a package" ];
  };
}
// import ./intent-errors.nix { inherit lib host; }
