# Functions on what packages say of themselves.
{ lib }:
let
  inherit (builtins) isString;
  inherit (lib) getBin;
in
rec {
  /** The path of a package's main program. */
  getExe =
    x:
    getExe' x (
      x.meta.mainProgram or (lib.warn
        "getExe: the package ${lib.getName x} has no meta.mainProgram, which is taken to be its name; use getExe' to name a program"
        (lib.getName x)
      )
    );

  /** The path of a named program of a package. */
  getExe' =
    x: y:
    if !lib.isDerivation x then
      throw "getExe': a derivation is expected, got a ${builtins.typeOf x}"
    else if !isString y then
      throw "getExe': the name of a program is expected, got a ${builtins.typeOf y}"
    else if lib.hasInfix "/" y then
      throw "getExe': the name of a program is expected, got the path ${y}"
    else
      "${getBin x}/bin/${y}";

  /** A package that wins or loses against others that have the same files: lower numbers win, 5 is ordinary. */
  setPrio = priority: drv: drv // { meta = drv.meta or { } // { inherit priority; }; };

  /** A package that wins against ordinary ones. */
  hiPrio = setPrio (-10);

  /** A package that loses against ordinary ones. */
  lowPrio = setPrio 10;
}
