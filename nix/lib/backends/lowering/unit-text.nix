/*
  Unit files from settings, as NixOS writes them: the names in their order, a list repeats its setting, booleans are true
  and false, null leaves a setting out.
*/
{ lib }:
let
  inherit (builtins) isPath;

  atom =
    v:
    if v == true then
      "true"
    else if v == false then
      "false"
    else if isPath v then
      "${v}"
    else
      lib.removeSuffix "\n" (toString v);

  # A line break ends a setting, unless a backslash is before it.
  isBroken = text: lib.any (line: !lib.hasSuffix "\\" line) (lib.init (lib.splitString "\n" text));

  line =
    here: name: v:
    let
      text = atom v;
    in
    if v == null then
      ""
    else if lib.hasInfix "\n" text && isBroken text then
      throw "${here}: the setting ${name} has a line break, which would end it; give a list for several values, or end the line with a backslash"
    else
      "${name}=${text}\n";

  section =
    here: name: settings:
    let
      lines = lib.concatStrings (
        lib.mapAttrsToList (key: v: lib.concatMapStrings (line here key) (lib.toList v)) settings
      );
    in
    lib.optionalString (lines != "") "[${name}]\n${lines}";
in
{
  /** A unit's text: `sections` is a list of `{ name, settings }`; `here` names the unit in messages. */
  render =
    here: sections:
    let
      texts = lib.filter (text: text != "") (map (s: section here s.name s.settings) sections);
    in
    # systemd takes an empty file for a mask.
    if texts == [ ] then "[Unit]\n" else lib.concatStringsSep "\n" texts;
}
