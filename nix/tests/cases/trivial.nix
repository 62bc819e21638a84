# lib.trivial, lib.debug, lib.fixedPoints, lib.asserts, lib.meta, lib.versions
{ lib }:
let
  t = lib.trivial;
  caught = x: (builtins.tryEval x).success;
in
{
  add = [ [ (t.add 1 2) 3 ] ];
  addErrorContext = [ [ (lib.addErrorContext "x" 1) 1 ] ];
  and = [ [ (t.and true false) false ] ];
  baseNameOf = [ [ (lib.baseNameOf "/a/b") "b" ] ];
  bitAnd = [ [ (t.bitAnd 6 3) 2 ] ];
  bitNot = [ [ (t.bitNot 0) (-1) ] [ (t.bitNot 5) (-6) ] ];
  bitOr = [ [ (t.bitOr 6 3) 7 ] ];
  bitXor = [ [ (t.bitXor 6 3) 5 ] ];
  boolToString = [ [ (t.boolToString true) "true" ] [ (t.boolToString false) "false" ] ];
  boolToYesNo = [ [ (t.boolToYesNo true) "yes" ] [ (t.boolToYesNo false) "no" ] ];
  ceil = [ [ (t.ceil 1.2) 2 ] ];
  checkListOfEnum = [
    [ (t.checkListOfEnum "colours" [ "red" "green" ] [ "red" ] 1) 1 ]
    [ (caught (t.checkListOfEnum "colours" [ "red" ] [ "blue" ] 1)) false ]
  ];
  compare = [ [ (map (t.compare 2) [ 1 2 3 ]) [ 1 0 (-1) ] ] ];
  composeExtensions = [
    [ ((lib.fix (lib.extends (lib.composeExtensions (_: p: { a = p.a + 1; }) (_: p: { b = p.a; })) (_: { a = 1; }))).b) 2 ]
  ];
  composeManyExtensions = [
    [ ((lib.fix (lib.extends (lib.composeManyExtensions [ (_: _: { b = 2; }) (_: p: { c = p.b; }) ]) (_: { a = 1; }))).c) 2 ]
  ];
  concat = [ [ (t.concat [ 1 ] [ 2 ]) [ 1 2 ] ] ];
  const = [ [ (t.const 5 10) 5 ] ];
  converge = [ [ (lib.converge (x: x / 2) 16) 0 ] ];
  deepSeq = [ [ (t.deepSeq [ 1 ] 2) 2 ] ];
  defaultTo = [ [ (t.defaultTo 1 null) 1 ] [ (t.defaultTo 1 false) false ] ];
  dirOf = [ [ (lib.dirOf "/a/b") "/a" ] ];
  div = [ [ (t.div 7 2) 3 ] ];
  extends = [ [ (lib.fix (lib.extends (f: p: { b = f.a + p.a; }) (_: { a = 1; }))) { a = 1; b = 2; } ] ];
  fix = [ [ (lib.fix (self: { a = 1; b = self.a + 1; })) { a = 1; b = 2; } ] ];
  fix' = [ [ ((lib.fix' (_: { a = 1; })).__unfix__ null) { a = 1; } ] ];
  flip = [ [ (t.flip (a: b: a - b) 1 5) 4 ] ];
  floor = [ [ (t.floor 1.8) 1 ] ];
  fromHexString = [ [ (t.fromHexString "FF") 255 ] [ (t.fromHexString "0x10") 16 ] ];
  fromTOML = [ [ (lib.fromTOML "a = 1") { a = 1; } ] ];
  functionArgs = [ [ (t.functionArgs ({ a, b ? 1 }: a)) { a = false; b = true; } ] ];
  genericClosure = [
    [ (lib.genericClosure { startSet = [ { key = 1; } ]; operator = x: lib.optional (x.key < 3) { key = x.key + 1; }; }) [ { key = 1; } { key = 2; } { key = 3; } ] ]
  ];
  id = [ [ (t.id 1) 1 ] ];
  importJSON = [ [ (t.importJSON (builtins.toFile "x" "{\"a\":1}")) { a = 1; } ] ];
  importTOML = [ [ (t.importTOML (builtins.toFile "x" "a = 1")) { a = 1; } ] ];
  info = [ [ (t.info "a note that tests print" 1) 1 ] ];
  isBool = [ [ (t.isBool true) true ] ];
  isFloat = [ [ (t.isFloat 1.0) true ] ];
  isFunction = [ [ (t.isFunction { __functor = _: x: x; }) true ] [ (t.isFunction (x: x)) true ] [ (t.isFunction { }) false ] ];
  isInt = [ [ (t.isInt 1) true ] ];
  isPath = [ [ (lib.isPath ./.) true ] ];
  lessThan = [ [ (t.lessThan 1 2) true ] ];
  makeExtensibleWithCustomName = [
    [ (((lib.makeExtensibleWithCustomName "more" (_: { a = 1; })).more (_: p: { b = p.a + 1; })).more (f: _: { c = f.b; })).c 2 ]
  ];
  toExtension = [
    [ (lib.fix (lib.extends (lib.toExtension { a = 0; }) (f: { a = 1; b = f.a; }))) { a = 0; b = 0; } ]
    [ (lib.fix (lib.extends (lib.toExtension (prev: { a = prev.a + 1; })) (f: { a = 1; b = f.a; }))) { a = 2; b = 2; } ]
    [ (lib.fix (lib.extends (lib.toExtension (final: prev: { b = final.a; })) (f: { a = 1; }))) { a = 1; b = 1; } ]
  ];
  inPureEvalMode = [ [ lib.inPureEvalMode (!(builtins ? currentSystem)) ] ];
  makeExtensible = [ [ ((lib.makeExtensible (_: { a = 1; })).extend (_: p: { b = p.a + 1; })).b 2 ] ];
  mapNullable = [ [ (t.mapNullable (x: x + 1) null) null ] [ (t.mapNullable (x: x + 1) 1) 2 ] ];
  max = [ [ (t.max 1 2) 2 ] ];
  mergeAttrs = [ [ (t.mergeAttrs { a = 1; } { a = 2; }) { a = 2; } ] ];
  min = [ [ (t.min 1 2) 1 ] ];
  mirrorFunctionArgs = [ [ (t.functionArgs (t.mirrorFunctionArgs ({ a }: a) (x: x))) { a = false; } ] ];
  mod = [ [ (t.mod 11 10) 1 ] ];
  mul = [ [ (t.mul 2 3) 6 ] ];
  "or" = [ [ (t."or" true false) true ] ];
  pathExists = [ [ (t.pathExists ./trivial.nix) true ] ];
  pipe = [ [ (t.pipe 2 [ (x: x + 2) (x: x * 2) ]) 8 ] ];
  readDir = [ [ ((lib.readDir ./.)."trivial.nix") "regular" ] ];
  readFile = [ [ (t.readFile (builtins.toFile "x" "y")) "y" ] ];
  seq = [ [ (t.seq 1 2) 2 ] ];
  setFunctionArgs = [ [ (t.functionArgs (t.setFunctionArgs (x: x) { a = true; })) { a = true; } ] [ (t.setFunctionArgs (x: x + 1) { } 1) 2 ] ];
  showWarnings = [ [ (t.showWarnings [ ] 1) 1 ] ];
  splitByAndCompare = [
    [ (lib.sort (a: b: lib.splitByAndCompare (lib.hasPrefix "z") lib.compare lib.compare a b < 0) [ "b" "za" "a" ]) [ "za" "a" "b" ] ]
  ];
  sub = [ [ (t.sub 3 2) 1 ] ];
  throwIf = [ [ (t.throwIf false "no" 1) 1 ] [ (caught (t.throwIf true "yes" 1)) false ] ];
  throwIfNot = [ [ (t.throwIfNot true "no" 1) 1 ] [ (caught (t.throwIfNot false "yes" 1)) false ] ];
  toBaseDigits = [ [ (t.toBaseDigits 16 250) [ 15 10 ] ] [ (t.toBaseDigits 2 0) [ 0 ] ] ];
  toFile = [ [ (lib.readFile (lib.toFile "x" "y")) "y" ] ];
  toFunction = [ [ (t.toFunction 1 2) 1 ] [ (t.toFunction (x: x + 1) 1) 2 ] ];
  toHexString = [ [ (t.toHexString 250) "FA" ] ];
  toJSON = [ [ (lib.toJSON [ 1 ]) "[1]" ] ];
  toString = [ [ (lib.toString 1) "1" ] ];
  toXML = [ [ (lib.hasInfix "<int value=\"1\" />" (lib.toXML 1)) true ] ];
  tryEval = [ [ (lib.tryEval (throw "x")).success false ] ];
  typeOf = [ [ (lib.typeOf 1) "int" ] ];
  unsafeGetAttrPos = [ [ ((lib.unsafeGetAttrPos "a" { a = 1; }) ? line) true ] ];
  warn = [ [ (t.warn "a warning that tests print" 1) 1 ] ];
  warnIf = [ [ (t.warnIf false "no" 1) 1 ] ];
  warnIfNot = [ [ (t.warnIfNot true "no" 1) 1 ] ];
  xor = [ [ (t.xor true false) true ] [ (t.xor true true) false ] ];

  # lib.debug
  trace = [ [ (lib.trace "a trace that tests print" 1) 1 ] ];
  traceIf = [ [ (lib.traceIf false "no" 1) 1 ] ];
  traceSeq = [ [ (lib.traceSeq "a trace that tests print" 1) 1 ] ];
  traceVal = [ [ (lib.traceVal "a trace that tests print") "a trace that tests print" ] ];
  traceValFn = [ [ (lib.traceValFn (x: "a trace that tests print: ${x}") "x") "x" ] ];
  traceValSeq = [ [ (lib.traceValSeq "a trace that tests print") "a trace that tests print" ] ];

  # lib.asserts
  assertMsg = [ [ (lib.assertMsg true "no") true ] [ (caught (lib.assertMsg false "yes")) false ] ];
  assertOneOf = [ [ (lib.assertOneOf "x" 1 [ 1 2 ]) true ] [ (caught (lib.assertOneOf "x" 3 [ 1 2 ])) false ] ];
  assertEachOneOf = [ [ (lib.asserts.assertEachOneOf "x" [ 1 ] [ 1 2 ]) true ] [ (caught (lib.asserts.assertEachOneOf "x" [ 3 ] [ 1 ])) false ] ];
  checkAssertWarn = [
    [ (lib.asserts.checkAssertWarn [ { assertion = true; message = "no"; } ] [ ] 1) 1 ]
    [ (caught (lib.asserts.checkAssertWarn [ { assertion = false; message = "yes"; } ] [ ] 1)) false ]
  ];

  # lib.meta
  getExe = [ [ (lib.getExe { type = "derivation"; name = "x-1"; outPath = "/p"; meta.mainProgram = "tool"; }) "/p/bin/tool" ]
    [ (lib.getExe { type = "derivation"; name = "x-1"; outPath = "/p"; }) "/p/bin/x" ]
  ];
  optionalDrvAttr = [ [ (lib.optionalDrvAttr true 1) 1 ] [ (lib.optionalDrvAttr false (throw "unused")) null ] ];
  getExe' = [
    [ (!caught (lib.getExe' { outPath = "/p"; } "y")) true ]
    [ (!caught (lib.getExe' { type = "derivation"; outPath = "/p"; } { })) true ]
    [ (!caught (lib.getExe' { type = "derivation"; outPath = "/p"; } "bin/y")) true ]
  ] ++ [ [ (lib.getExe' { type = "derivation"; outPath = "/p"; } "y") "/p/bin/y" ] ];
  hiPrio = [ [ (lib.hiPrio { }).meta.priority (-10) ] ];
  lowPrio = [ [ (lib.lowPrio { }).meta.priority 10 ] ];
  setPrio = [ [ (lib.setPrio 3 { meta.a = 1; }).meta { a = 1; priority = 3; } ] ];

  # lib.versions
  splitVersion = [ [ (lib.versions.splitVersion "1.2.3") [ "1" "2" "3" ] ] ];
  major = [ [ (lib.versions.major "1.2.3") "1" ] ];
  majorMinor = [ [ (lib.versions.majorMinor "1.2.3") "1.2" ] ];
  minor = [ [ (lib.versions.minor "1.2.3") "2" ] ];
  pad = [ [ (lib.versions.pad 3 "1.2") "1.2.0" ] [ (lib.versions.pad 3 "1.3-rc1") "1.3.0-rc1" ] [ (lib.versions.pad 3 "1.2.3.4") "1.2.3" ] ];
  patch = [ [ (lib.versions.patch "1.2.3") "3" ] ];
}
