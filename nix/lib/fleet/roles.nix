# Modules by name: roles, and the modules of single hosts.
{ lib }:
let
  inherit (builtins) isAttrs isPath isString readDir;

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
}
