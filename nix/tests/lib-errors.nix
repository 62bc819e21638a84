/*
  The texts of the errors of lib's functions: each case is `{ expr; has; }`, and evaluating `expr` must fail with a message
  that has all of these. Each is an evaluation of its own.
*/
{
  lib ? import ../lib/prelude,
}:
{
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
  getExe = { expr = lib.getExe "x"; has = [ "getExe': a derivation is expected, got a string" ]; };
  getExeOfNothing = { expr = lib.getExe' { type = "derivation"; outPath = "/p"; } { }; has = [ "getExe': the name of a program is expected, got a set" ]; };
  getExeOfPath = { expr = lib.getExe' { type = "derivation"; outPath = "/p"; } "bin/x"; has = [ "getExe': the name of a program is expected, got the path bin/x" ]; };
  replaceElemAt = { expr = lib.replaceElemAt [ 1 ] 3 2; has = [ "'lists.replaceElemAt' called with index 3 on a list of size 1" ]; };
  updateInsideValue = {
    expr = lib.updateManyAttrsByPath [ { path = [ "a" "b" ]; update = _: 1; } ] { a = 5; };
    has = [ "updateManyAttrsByPath: cannot update 'a.b': 'a' is no attribute set" ];
  };
  updateNothing = {
    expr = lib.updateManyAttrsByPath [ { path = [ "a" ]; update = x: x; } ] { };
    has = [ "updateManyAttrsByPath: 'a' is updated by a function of its value, and has none" ];
  };
  toSentenceCase = { expr = lib.toSentenceCase 1; has = [ "toSentenceCase: a string is expected, got a int" ]; };
  toCamelCase = { expr = lib.toCamelCase 1; has = [ "toCamelCase: a string is expected, got a int" ]; };
  nameFromURL = { expr = lib.nameFromURL "https://x.org/nix" "-"; has = [ "nameFromURL: there is no - in nix" ]; };
  unionOfDisjoint = { expr = (lib.attrsets.unionOfDisjoint { a = 1; } { a = 2; }).a; has = [ "unionOfDisjoint: collision on a" ]; };
  toInt = { expr = lib.toInt "x1"; has = [ "toInt: Could not convert \"x1\" to int." ]; };
  toIntZero = { expr = lib.toInt "007"; has = [ "Ambiguity in interpretation of \"007\"" ]; };
  toIntBase10 = { expr = lib.toIntBase10 "x"; has = [ "toIntBase10: Could not convert \"x\" to int." ]; };
  fixedWidthString = { expr = lib.fixedWidthString 1 "0" "abc"; has = [ "requested string length (1) must not be shorter than actual length (3)" ]; };
  toShellVar = { expr = lib.toShellVar "a-b" 1; has = [ "toShellVar: a-b is not a valid shell variable name" ]; };
  mkValueString = { expr = lib.generators.toINI { } { a.b = { }; }; has = [ "generators.mkValueStringDefault: attrsets are not supported" ]; };
  withRecursion = { expr = lib.generators.withRecursion { depthLimit = 0; } { a.b = 1; }; has = [ "Exceeded maximum eval-depth limit of 0" ]; };
}
