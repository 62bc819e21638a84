# Types of values in systemd units.
{ lib }:
let
  inherit (builtins)
    all
    any
    concatMap
    isAttrs
    isBool
    isFloat
    isInt
    isList
    isPath
    isString
    ;
  inherit (lib) types;

  suffixes = "service|socket|timer|path|mount|automount|swap|slice|scope|target|device";
  isAtom =
    v:
    isString v || isBool v || isInt v || isFloat v || isPath v || (isAttrs v && (v ? outPath || v ? __toString));

  # One setting: a value, several, or none. Lists of several definitions become one list, as in NixOS.
  setting = lib.mkOptionType {
    name = "systemdSetting";
    description = "systemd setting: a string, a number, a boolean, a path, a package, a list of these, or null";
    descriptionClass = "noun";
    check = v: v == null || isAtom v || (isList v && all isAtom v);
    merge =
      loc: defs:
      if any (def: isList def.value) defs then
        concatMap (def: lib.toList def.value) defs
      else
        lib.mergeEqualOption loc defs;
  };
in
{
  /** The settings of a section of a unit, by name. */
  section = types.attrsOf setting;

  /** The name of another unit, with its suffix; specifiers such as `%i` may be in it. */
  dependency =
    types.strMatching "[A-Za-z0-9:_.%\\-]+(@[A-Za-z0-9:_.%\\-]*)?[.](${suffixes})"
    // {
      description = "systemd unit name with its suffix, such as \"network.target\"";
    };

  /** The value of an environment variable; null removes it. */
  variable = types.nullOr (types.oneOf [ types.str types.path types.package ]);

  /** What a unit may be restarted by: anything that becomes a text. */
  trigger =
    lib.mkOptionType {
      name = "trigger";
      description = "string, path, package, number, boolean, or a list or set of these";
      descriptionClass = "noun";
      check = v: !builtins.isFunction v;
      merge = lib.mergeEqualOption;
    };
}
