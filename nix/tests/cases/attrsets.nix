# lib.attrsets
{ lib }:
let
  a = lib.attrsets;
  pkg = {
    type = "derivation";
    name = "tool-1.0";
    outPath = "/out";
    bin = { outPath = "/bin-output"; };
    dev = { outPath = "/dev-output"; };
    lib = { outPath = "/lib-output"; };
    man = { outPath = "/man-output"; };
    static = { outPath = "/static-output"; };
    include = { outPath = "/include-output"; };
  };
  fails = x: !(builtins.tryEval (builtins.deepSeq x null)).success;
in
{
  attrByPath = [
    [ (a.attrByPath [ "a" "b" ] 6 { a.b = 3; }) 3 ]
    [ (a.attrByPath [ "z" "z" ] 6 { a.b = 3; }) 6 ]
    [ (a.attrByPath [ "a" "b" "c" ] 6 { a.b = 3; }) 6 ]
  ];
  attrNames = [ [ (a.attrNames { b = 1; a = 2; }) [ "a" "b" ] ] ];
  attrVals = [ [ (a.attrVals [ "b" "a" ] { a = 1; b = 2; }) [ 2 1 ] ] ];
  attrValues = [ [ (a.attrValues { b = 1; a = 2; }) [ 2 1 ] ] ];
  attrsToList = [ [ (a.attrsToList { x = 1; }) [ { name = "x"; value = 1; } ] ] ];
  cartesianProduct = [
    [
      (a.cartesianProduct { a = [ 1 2 ]; b = [ 10 ]; })
      [ { a = 1; b = 10; } { a = 2; b = 10; } ]
    ]
  ];
  catAttrs = [ [ (a.catAttrs "a" [ { a = 1; } { b = 0; } { a = 2; } ]) [ 1 2 ] ] ];
  collect = [
    [ (a.collect lib.isList { a = { b = [ "b" ]; }; c = [ 1 ]; }) [ [ "b" ] [ 1 ] ] ]
    [ (a.collect (x: x ? outPath) { a = { outPath = "a/"; }; b = { outPath = "b/"; }; }) [ { outPath = "a/"; } { outPath = "b/"; } ] ]
  ];
  concatMapAttrs = [ [ (a.concatMapAttrs (n: v: { ${n} = v; ${n + v} = n; }) { x = "a"; }) { x = "a"; xa = "x"; } ] ];
  dontRecurseIntoAttrs = [ [ (a.dontRecurseIntoAttrs { x = 1; }) { x = 1; recurseForDerivations = false; } ] ];
  filterAttrs = [ [ (a.filterAttrs (n: v: n == "foo" && v == 1) { foo = 1; bar = 1; }) { foo = 1; } ] ];
  filterAttrsRecursive = [
    [ (a.filterAttrsRecursive (_: v: v != null) { a = { b = null; c = 1; }; d = null; }) { a = { c = 1; }; } ]
  ];
  foldAttrs = [
    [ (a.foldAttrs (item: acc: [ item ] ++ acc) [ ] [ { a = 2; } { a = 3; b = 1; } ]) { a = [ 2 3 ]; b = [ 1 ]; } ]
  ];
  foldlAttrs = [ [ (a.foldlAttrs (acc: n: v: "${acc}${n}${toString v}") "" { b = 2; a = 1; }) "a1b2" ] ];
  genAttrs = [ [ (a.genAttrs [ "foo" "bar" ] (name: "x_" + name)) { bar = "x_bar"; foo = "x_foo"; } ] ];
  genAttrs' = [ [ (a.genAttrs' [ "a" ] (s: lib.nameValuePair "n-${s}" s)) { n-a = "a"; } ] ];
  getAttr = [ [ (a.getAttr "a" { a = 1; }) 1 ] ];
  getAttrFromPath = [ [ (a.getAttrFromPath [ "a" "b" ] { a.b = 3; }) 3 ] ];
  getAttrs = [ [ (a.getAttrs [ "a" ] { a = 1; b = 2; }) { a = 1; } ] ];
  getBin = [ [ "${a.getBin pkg}" "/bin-output" ] [ "${a.getBin { outPath = "/only"; }}" "/only" ] ];
  getDev = [ [ "${a.getDev pkg}" "/dev-output" ] ];
  getFirstOutput = [ [ "${a.getFirstOutput [ "nothing" "dev" ] pkg}" "/dev-output" ] ];
  getInclude = [ [ "${a.getInclude pkg}" "/include-output" ] ];
  getLib = [ [ "${a.getLib pkg}" "/lib-output" ] ];
  getMan = [ [ "${a.getMan pkg}" "/man-output" ] ];
  getOutput = [ [ "${a.getOutput "dev" pkg}" "/dev-output" ] [ "${a.getOutput "doc" pkg}" "/out" ] ];
  getStatic = [ [ "${a.getStatic pkg}" "/static-output" ] ];
  hasAttr = [ [ (a.hasAttr "a" { a = 1; }) true ] ];
  hasAttrByPath = [ [ (a.hasAttrByPath [ "a" "b" ] { a.b = 3; }) true ] [ (a.hasAttrByPath [ "a" "b" ] { a = 3; }) false ] ];
  intersectAttrs = [ [ (a.intersectAttrs { a = 1; } { a = 2; b = 3; }) { a = 2; } ] ];
  isAttrs = [ [ (a.isAttrs { }) true ] [ (a.isAttrs [ ]) false ] ];
  isDerivation = [ [ (a.isDerivation pkg) true ] [ (a.isDerivation { }) false ] [ (a.isDerivation 1) false ] ];
  listToAttrs = [ [ (a.listToAttrs [ { name = "a"; value = 1; } ]) { a = 1; } ] ];
  longestValidPathPrefix = [ [ (a.longestValidPathPrefix [ "a" "b" "c" ] { a.b = 1; }) [ "a" "b" ] ] ];
  mapAttrs = [ [ (a.mapAttrs (n: v: n + v) { x = "y"; }) { x = "xy"; } ] ];
  mapAttrs' = [ [ (a.mapAttrs' (n: v: lib.nameValuePair "foo_${n}" v) { x = 1; }) { foo_x = 1; } ] ];
  mapAttrsRecursive = [ [ (a.mapAttrsRecursive (path: v: lib.concatStringsSep "-" (path ++ [ v ])) { n = { a = "A"; }; d = "D"; }) { d = "d-D"; n = { a = "n-a-A"; }; } ] ];
  mapAttrsRecursiveCond = [
    [ (a.mapAttrsRecursiveCond (as: !(as ? stop)) (path: _: lib.concatStringsSep "." path) { a.b = 1; c.stop = 1; }) { a.b = "a.b"; c = "c"; } ]
  ];
  mapAttrsToList = [ [ (a.mapAttrsToList (n: v: n + v) { x = "a"; y = "b"; }) [ "xa" "yb" ] ] ];
  mapAttrsToListRecursive = [ [ (a.mapAttrsToListRecursive (path: v: "${lib.concatStringsSep "." path}=${toString v}") { a.b = 1; c = 2; }) [ "a.b=1" "c=2" ] ] ];
  mapAttrsToListRecursiveCond = [
    [ (a.mapAttrsToListRecursiveCond (_: v: !(v ? stop)) (path: _: lib.concatStringsSep "." path) { a.b = 1; c.stop = 2; }) [ "a.b" "c" ] ]
  ];
  mapCartesianProduct = [ [ (a.mapCartesianProduct ({ a, b }: a + b) { a = [ "a" "b" ]; b = [ "c" ]; }) [ "ac" "bc" ] ] ];
  matchAttrs = [
    [ (a.matchAttrs { cpu = { bits = 64; }; } { cpu = { bits = 64; name = "x"; }; }) true ]
    [ (a.matchAttrs { cpu = { }; } { cpu = 1; }) false ]
  ];
  mergeAttrsList = [ [ (a.mergeAttrsList [ { a = 1; } { a = 2; b = 3; } ]) { a = 2; b = 3; } ] ];
  nameValuePair = [ [ (a.nameValuePair "a" 1) { name = "a"; value = 1; } ] ];
  optionalAttrs = [ [ (a.optionalAttrs true { a = 1; }) { a = 1; } ] [ (a.optionalAttrs false (throw "not looked at")) { } ] ];
  overrideExisting = [ [ (a.overrideExisting { a = 1; } { a = 2; b = 3; }) { a = 2; } ] ];
  recurseIntoAttrs = [ [ (a.recurseIntoAttrs { }) { recurseForDerivations = true; } ] ];
  recursiveUpdate = [ [ (a.recursiveUpdate { a = { b = 1; c = 2; }; } { a = { b = 3; }; }) { a = { b = 3; c = 2; }; } ] ];
  recursiveUpdateUntil = [
    [
      (a.recursiveUpdateUntil (path: _l: _r: path == [ "foo" ]) { foo.bar = 1; foo.baz = 2; bar = 3; } { foo.bar = 1; foo.quz = 2; baz = 4; })
      { bar = 3; baz = 4; foo = { bar = 1; quz = 2; }; }
    ]
  ];
  removeAttrs = [ [ (a.removeAttrs { a = 1; b = 2; } [ "b" "c" ]) { a = 1; } ] ];
  setAttrByPath = [ [ (a.setAttrByPath [ "a" "b" ] 3) { a.b = 3; } ] ];
  showAttrPath = [ [ (a.showAttrPath [ "foo" "10" "if" ]) ''foo."10"."if"'' "26.05" ] [ (a.showAttrPath [ ]) "<root attribute path>" ] ];
  toDerivation = [
    [ ((a.toDerivation (builtins.toFile "tool" "")).type) "derivation" ]
    [ ((a.toDerivation (builtins.toFile "tool" "")).name) "tool" ]
  ];
  unionOfDisjoint = [
    [ (a.unionOfDisjoint { a = 1; } { b = 2; }) { a = 1; b = 2; } ]
    [ ((builtins.tryEval (a.unionOfDisjoint { a = 1; } { a = 2; }).a).success) false ]
  ];
  updateManyAttrsByPath = [
    [ (a.updateManyAttrsByPath [ { path = [ "a" "b" ]; update = old: { d = old.c; }; } ] { a.b.c = 0; }) { a.b.d = 0; } ]
    # What is deeper first, whatever the order; then in the order of the list.
    [ (a.updateManyAttrsByPath [ { path = [ "a" ]; update = old: { x = old.b; }; } { path = [ "a" "b" ]; update = x: x + 1; } ] { a.b = 0; }) { a.x = 1; } ]
    [ (a.updateManyAttrsByPath [ { path = [ "a" ]; update = x: x + 1; } { path = [ "a" ]; update = x: x * 3; } ] { a = 1; }) { a = 6; } ]
    # A path need not exist unless someone reads its value.
    [ (a.updateManyAttrsByPath [ { path = [ "a" "b" ]; update = _: 1; } ] { }) { a.b = 1; } ]
    [ (fails (a.updateManyAttrsByPath [ { path = [ "a" ]; update = x: x; } ] { })) true ]
    [ (fails (a.updateManyAttrsByPath [ { path = [ "a" "b" ]; update = _: 1; } ] { a = 5; })) true ]
    [ (a.updateManyAttrsByPath [ ] 5) 5 ]
  ];
  zipAttrs = [ [ (a.zipAttrs [ { a = 1; } { a = 2; b = 3; } ]) { a = [ 1 2 ]; b = [ 3 ]; } ] ];
  zipAttrsWith = [ [ (a.zipAttrsWith (n: vs: "${n}${toString vs}") [ { a = 1; } { a = 2; } ]) { a = "a1 2"; } ] ];
  zipAttrsWithNames = [ [ (a.zipAttrsWithNames [ "a" ] (_: vs: vs) [ { a = 1; b = 2; } { a = 3; } ]) { a = [ 1 3 ]; } ] ];
}
