# Modules by name: roles, and the modules of single hosts.
{ lib }:
let
  inherit (builtins) isAttrs isPath isString readDir;
  # nixpkgs has no name for it.
  inherit (import ../modules/show.nix { lib = import ../prelude; }) _suggest;

  # Every *.nix of a directory by its name without the suffix.
  ofDirectory =
    dir:
    lib.mapAttrs' (file: _: {
      name = lib.removeSuffix ".nix" file;
      value = dir + "/${file}";
    }) (lib.filterAttrs (file: type: lib.hasSuffix ".nix" file && type != "directory") (readDir dir));
in
{
  /** A set of modules stays; a directory becomes one. */
  toSet =
    what: value:
    if value == null then
      { }
    else if isPath value || isString value then
      ofDirectory value
    else if isAttrs value then
      value
    else
      throw "mkFleet: ${what} must be a directory or a set of modules, not a ${builtins.typeOf value}";

  /** Throws the error for a name that is not in a list of them. */
  unknown =
    what: where: name: names:
    throw "unknown ${what} ${lib.strings.escapeNixString name} in ${where}.${_suggest lib.id name names} ${
      if names == [ ] then
        "The fleet has no ${what}s."
      else
        "The fleet's ${what}s: ${lib.concatStringsSep ", " names}"
    }";
}
