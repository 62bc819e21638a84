# Names of units.
{ lib }:
let
  inherit (lib) hasPrefix removePrefix removeSuffix;

  # What stands in a unit's name as it is; "/" becomes "-", all else its code.
  special = lib.stringToCharacters " !\"#$%&'()*+,;<=>=@[\\]^`{|}~-";
  escapeDot = s: if hasPrefix "." s then "\\x2e" + removePrefix "." s else s;
  squeeze = s: if lib.hasInfix "//" s then squeeze (lib.replaceStrings [ "//" ] [ "/" ] s) else s;
in
{
  /** The name of the mount unit of a path, without suffix, as `systemd-escape --path` gives it. */
  ofPath =
    path:
    let
      clean = squeeze path;
    in
    if clean == "/" then
      "-"
    else
      lib.replaceStrings [ "/" ] [ "-" ] (
        escapeDot (lib.strings.escapeC special (removeSuffix "/" (removePrefix "/" clean)))
      );

  /** The part after the last dot. */
  typeOf = name: lib.last (lib.splitString "." name);

  isTemplate = name: lib.hasInfix "@." name;

  /** Whether a file that the unit reads can be said to restart it: a template cannot, and a target holds others up. */
  isRestartable =
    name:
    lib.hasInfix "." name
    && !(lib.hasInfix "@." name)
    && lib.elem (lib.last (lib.splitString "." name)) [
      "service"
      "socket"
      "timer"
      "path"
      "mount"
      "automount"
      "swap"
    ];
}
