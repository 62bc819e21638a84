# Looking at values while they are evaluated.
{ lib }:
let
  inherit (builtins) deepSeq;
in
rec {
  inherit (builtins) trace;

  /** `trace` if the condition holds. */
  traceIf =
    cond: msg: x:
    if cond then trace msg x else x;

  /** Prints what a function makes of a value, and gives the value. */
  traceValFn = f: x: trace (f x) x;

  /** Prints a value and gives it. */
  traceVal = traceValFn lib.id;

  /** Prints a value with all that is in it, and gives the other one. */
  traceSeq = x: y: trace (deepSeq x x) y;

  /** Prints a value with all that is in it, and gives it. */
  traceValSeq = x: traceSeq x x;
}
