# Functions on anything: combinators, booleans, numbers, warnings, function arguments.
{ lib }:
let
  inherit (builtins)
    elem
    fromJSON
    fromTOML
    length
    readFile
    trace
    ;
in
rec {
  inherit (builtins)
    add
    addErrorContext
    baseNameOf
    bitAnd
    bitOr
    bitXor
    ceil
    deepSeq
    dirOf
    div
    floor
    fromTOML
    genericClosure
    isBool
    isFloat
    isInt
    isPath
    lessThan
    mul
    pathExists
    readDir
    readFile
    seq
    sub
    toFile
    toJSON
    toString
    toXML
    tryEval
    typeOf
    unsafeGetAttrPos
    ;

  /** The argument itself. `id :: a -> a` */
  id = x: x;

  /** A function that ignores its second argument. `const :: a -> b -> a` */
  const = x: _: x;

  /** Passes a value through a list of functions, first one first. `pipe 1 [ f g ]` is `g (f 1)` */
  pipe = builtins.foldl' (x: f: f x);

  /** A function of two arguments with these swapped. `flip :: (a -> b -> c) -> b -> a -> c` */
  flip =
    f: a: b:
    f b a;

  /** Two lists in a row. `concat :: [a] -> [a] -> [a]` */
  concat = x: y: x ++ y;

  /** Logical or. */
  "or" = x: y: x || y;

  /** Logical and. */
  and = x: y: x && y;

  /** Exactly one of the two. */
  xor = x: y: x != y;

  /** All bits of an integer the other way round. */
  bitNot = builtins.sub (-1);

  /** "true" or "false". */
  boolToString = b: if b then "true" else "false";

  /** "yes" or "no". */
  boolToYesNo = b: if b then "yes" else "no";

  /** The union of two attribute sets; the right one wins. */
  mergeAttrs = x: y: x // y;

  /** The second argument, or the first if that is null. `defaultTo :: a -> (null | a) -> a` */
  defaultTo = default: maybeValue: if maybeValue != null then maybeValue else default;

  /** Applies a function unless the value is null. */
  mapNullable = f: a: if a == null then a else f a;

  /** The smaller of two numbers. */
  min = x: y: if x < y then x else y;

  /** The larger of two numbers. */
  max = x: y: if x > y then x else y;

  /** The remainder of an integer division. */
  mod = base: int: base - (int * (base / int));

  /** -1, 0 or 1, as the first is below, equal to or above the second. */
  compare =
    a: b:
    if a < b then
      -1
    else if a > b then
      1
    else
      0;

  /** Compares by one of two orders inside the halves a predicate makes; those that satisfy it come first. */
  splitByAndCompare =
    p: yes: no: a: b:
    if p a then
      if p b then yes a b else -1
    else if p b then
      1
    else
      no a b;

  /** The value in a JSON file. */
  importJSON = path: fromJSON (readFile path);

  /** The value in a TOML file. */
  importTOML = path: fromTOML (readFile path);

  /** Prints a warning when the value is needed. */
  warn = msg: trace "evaluation warning: ${msg}";

  /** `warn` if the condition holds. */
  warnIf = cond: msg: if cond then warn msg else x: x;

  /** `warn` unless the condition holds. */
  warnIfNot = cond: msg: if cond then x: x else warn msg;

  /** Throws if the condition holds, else gives the value through. */
  throwIf = cond: msg: if cond then throw msg else x: x;

  /** Throws unless the condition holds. */
  throwIfNot = cond: msg: if cond then x: x else throw msg;

  /** Prints a note when the value is needed. */
  info = msg: trace "INFO: ${msg}";

  /** Prints several warnings. */
  showWarnings = warnings: res: lib.foldr (w: x: warn w x) res warnings;

  /** Throws unless each given value is one of the valid ones. */
  checkListOfEnum =
    msg: valid: given: result:
    let
      unexpected = builtins.filter (x: !elem x valid) given;
    in
    throwIfNot (length unexpected == 0) "${msg}: ${
      lib.concatStringsSep ", " (map toString unexpected)
    } unexpected; valid ones: ${lib.concatStringsSep ", " (map toString valid)}" result;

  /** True for functions and for sets with a `__functor`. */
  isFunction = f: builtins.isFunction f || (f ? __functor && isFunction (f.__functor f));

  /** The formal arguments of a function, also of a set with `__functor`. */
  functionArgs =
    f:
    if f ? __functor then
      f.__functionArgs or (functionArgs (f.__functor f))
    else
      builtins.functionArgs f;

  /** A function that reports other formal arguments than it has. */
  setFunctionArgs = f: args: {
    __functor = _: f;
    __functionArgs = args;
  };

  /** Gives the second function the formal arguments of the first. */
  mirrorFunctionArgs =
    f:
    let
      args = functionArgs f;
    in
    g: setFunctionArgs g args;

  /** A function stays, any other value becomes a constant function. */
  toFunction = v: if isFunction v then v else _: v;

  /** The digits of a non-negative number in a base, the most significant first. */
  toBaseDigits =
    base: i:
    let
      go =
        i:
        if i < base then
          [ i ]
        else
          go (i / base) ++ [ (mod i base) ];
    in
    if base < 2 || i < 0 then throw "lib.toBaseDigits: base ${toString base}, number ${toString i}" else go i;

  /** A non-negative number in hexadecimal, upper case. */
  toHexString =
    i: lib.concatMapStrings (d: builtins.substring d 1 "0123456789ABCDEF") (toBaseDigits 16 i);

  /** The number that a hexadecimal string says. */
  fromHexString = s: (fromTOML "v=0x${lib.removePrefix "0x" s}").v;

  /** The least fixed point of a function. */
  fix =
    f:
    let
      x = f x;
    in
    x;

  /** `fix` whose result also holds the function, as `__unfix__`. */
  fix' =
    f:
    let
      x = f x // {
        __unfix__ = f;
      };
    in
    x;

  /** Applies a function until the value does not change any more. */
  converge =
    f: x:
    let
      next = f x;
    in
    if next == x then x else converge f next;

  /** Overlays a set-valued function with another that sees the end and the previous result. */
  extends =
    overlay: f: final:
    let
      prev = f final;
    in
    prev // overlay final prev;

  /** Two overlays in a row. */
  composeExtensions =
    f: g: final: prev:
    let
      fApplied = f final prev;
      prev' = prev // fApplied;
    in
    fApplied // g final prev';

  /** Any number of overlays in a row. */
  composeManyExtensions = lib.foldr composeExtensions (_: _: { });

  /** A fixed point that carries `extend`. */
  makeExtensible = makeExtensibleWithCustomName "extend";

  /** `makeExtensible` with another name for `extend`. */
  makeExtensibleWithCustomName =
    name: f:
    fix' (self: f self // { ${name} = overlay: makeExtensibleWithCustomName name (extends overlay f); });

  /** An overlay of a set, of a function of the previous result, or of an overlay. */
  toExtension =
    f: final: prev:
    let
      ofPrev = f prev;
    in
    if !isFunction f then
      f
    else if isFunction ofPrev then
      f final prev
    else
      ofPrev;

  /** Whether Nix evaluates without looking at its surroundings. */
  inPureEvalMode = !(builtins ? currentSystem);
}
