# How option paths, files and definitions look in messages.
{ lib }:
let
  inherit (builtins)
    concatMap
    elem
    filter
    isList
    length
    split
    tryEval
    ;
in
rec {
  /** An option's path as one writes it; names that need quotes get them. `showOption [ "a" "b c" ]` is `a."b c"` */
  showOption =
    parts:
    let
      special = [
        "<name>"
        "*"
        "<function body>"
      ];
      escape = part: if elem part special then part else lib.escapeNixIdentifier part;
    in
    lib.concatMapStringsSep "." escape parts;

  /** Files for a sentence. */
  showFiles = files: lib.concatStringsSep " and " (map (f: "`${toString f}'") files);

  /** Definitions, one a line: the file, and the value where it can be had. */
  showDefs = defs: lib.concatMapStrings showDef defs;

  /** An option and where it is defined. */
  showOptionWithDefLocs =
    opt: "${showOption opt.loc}, with values defined in:\n${lib.concatMapStringsSep "\n" (d: "  - ${d}") opt.files}\n";

  showDef =
    def:
    let
      # A value that throws must not hide the message it stands in.
      printed = tryEval (
        let
          text = lib.generators.toPretty { } (
            lib.generators.withRecursion {
              depthLimit = 10;
              throwOnDepthLimit = false;
            } def.value
          );
        in
        builtins.seq (builtins.stringLength text) text
      );
      lines = filter (x: !isList x) (split "\n" printed.value);
      shown =
        if length lines > 5 then lib.take 5 lines ++ [ "..." ] else lines;
      value =
        if !printed.success then
          ""
        else if length lines > 1 then
          ":\n    " + lib.concatStringsSep "\n    " shown
        else
          ": " + lib.concatStrings shown;
    in
    "\n- In `${toString def.file}'${value}";

  /** Names near a wrong one, the nearest first, at most three. */
  nearest =
    wrong: names:
    let
      # Long names may differ in more places.
      limit = lib.max 2 (builtins.stringLength wrong / 3);
      near =
        name:
        if lib.levenshteinAtMost limit wrong name then
          [
            {
              inherit name;
              distance = lib.levenshtein wrong name;
            }
          ]
        else
          [ ];
    in
    map (x: x.name) (lib.take 3 (lib.sortOn (x: x.distance) (concatMap near names)));

  /** A sentence that offers the nearest names, or nothing. */
  didYouMean =
    render: wrong: names:
    let
      found = map (name: "`${render name}'") (nearest wrong names);
    in
    if found == [ ] then
      ""
    else if length found == 1 then
      " Did you mean ${builtins.head found}?"
    else
      " Did you mean ${lib.concatStringsSep ", " (lib.init found)} or ${lib.last found}?";
}
