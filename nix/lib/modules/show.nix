# How option paths, files and definitions look in messages.
{ lib }:
let
  inherit (builtins)
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
      # Placeholders of the documentation.
      special = part: part == "*" || builtins.match "<.*>" part != null;
      escape = part: if special part then part else lib.strings.escapeNixIdentifier part;
    in
    lib.concatMapStringsSep "." escape parts;

  /** Files for a sentence. */
  showFiles = files: lib.concatStringsSep " and " (map (f: "`${toString f}'") files);

  /** Definitions, one a line: the file, and the value where it can be had. */
  showDefs = defs: lib.concatMapStrings _showDef defs;

  /** An option and where it is defined. */
  showOptionWithDefLocs =
    opt: "${showOption opt.loc}, with values defined in:\n${lib.concatMapStringsSep "\n" (d: "  - ${d}") opt.files}\n";

  _showDef =
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

  /** The three names nearest to a wrong one, the nearest first; of a hundred and more only what is very near. */
  _nearest =
    wrong: names:
    let
      # The distance of everything from everything takes seconds for names by the thousand.
      candidates =
        if builtins.length names < 100 then names else filter (lib.strings.levenshteinAtMost 2 wrong) names;
    in
    lib.take 3 (lib.sortOn (lib.strings.levenshtein wrong) candidates);

  /** Those of the nearest names that may well have been meant. */
  _nearby =
    wrong: names:
    let
      # Long names may differ in more places.
      limit = lib.max 2 (builtins.stringLength wrong / 3);
    in
    filter (name: lib.strings.levenshteinAtMost limit wrong name) (_nearest wrong names);

  /** A sentence that offers names, or nothing. */
  _didYouMean =
    render: names:
    let
      quoted = map (name: "`${render name}'") names;
    in
    if quoted == [ ] then
      ""
    else if length quoted == 1 then
      "Did you mean ${builtins.head quoted}?"
    else
      "Did you mean ${lib.concatStringsSep ", " (lib.init quoted)} or ${lib.last quoted}?";

  /** A sentence that offers names near a wrong one, with a space before it, or nothing. */
  _suggest =
    render: wrong: names:
    let
      found = _nearby wrong names;
    in
    lib.optionalString (found != [ ]) (" " + _didYouMean render found);
}
