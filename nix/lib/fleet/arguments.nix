# mkFleet's arguments: what it does not take is refused in words.
{ lib }:
let
  inherit (builtins)
    attrNames
    functionArgs
    isAttrs
    isFunction
    isPath
    isString
    ;
  inherit (import ../modules/show.nix { inherit lib; }) _suggest;
  inherit (import ./problems.nix { inherit lib; }) shown;
in
{
  /** The function, with a look at its argument first. */
  checked =
    mkFleet: args:
    let
      known = attrNames (functionArgs mkFleet);
      unknown = lib.filter (name: !(lib.elem name known)) (attrNames args);
      wrong = lib.head unknown;
    in
    if !isAttrs args then
      throw "mkFleet takes a set of arguments, not ${shown args}"
    else if unknown != [ ] then
      throw "mkFleet has no argument `${wrong}'.${_suggest lib.id wrong known} The arguments are: ${lib.concatStringsSep ", " known}"
    else
      mkFleet args;

  /** A module, as far as one can see before it is read: a path, a set or a function. */
  module =
    what: m:
    if isString m && !lib.hasPrefix "/" m then
      throw "mkFleet: ${what} has the text ${lib.strings.escapeNixString m}, which is no module; write a path, without quotes: ./${lib.removePrefix "./" m}"
    else if !(isAttrs m || isFunction m || isPath m || isString m) then
      throw "mkFleet: ${what} has ${shown m}, which is no module; a module is a path, a set or a function"
    else
      m;
}
