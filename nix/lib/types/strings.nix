# Types of strings.
{ lib }:
let
  inherit (builtins) isString match;
  inherit (lib) getValues mergeEqualOption;
  inherit (lib.types)
    _pathFreeMerge
    _plainMerge
    addCheck
    mkOptionType
    ;

  mergeEqual = _plainMerge mergeEqualOption;

  # Strings; all definitions must be equal.
  str = mkOptionType {
    name = "str";
    description = "string";
    descriptionClass = "noun";
    check = isString;
    merge = mergeEqual;
  };

  # Strings that are joined by a separator.
  separatedString =
    sep:
    mkOptionType {
      name = "separatedString";
      description = "strings concatenated with ${lib.strings.escapeNixString sep}";
      descriptionClass = "noun";
      check = isString;
      merge = _plainMerge (_loc: defs: lib.concatStringsSep sep (getValues defs));
      functor = lib.types.defaultFunctor "separatedString" // {
        payload = { inherit sep; };
        type = payload: separatedString payload.sep;
        binOp = a: b: if a.sep == b.sep then { inherit (a) sep; } else null;
      };
    };

  nonEmptyCheck = x: match "[ \t\n]*" x == null;
in
{
  inherit str separatedString;

  /** A string with more in it than white space. */
  nonEmptyStr = mkOptionType {
    name = "nonEmptyStr";
    description = "non-empty string";
    descriptionClass = "noun";
    check = x: isString x && nonEmptyCheck x;
    merge = mergeEqual;
  };

  /** A string of one line; a newline at its end is taken off. */
  singleLineStr = mkOptionType {
    name = "singleLineStr";
    description = "(optionally newline-terminated) single-line string";
    descriptionClass = "noun";
    check = x: isString x && match "[^\n\r]*\n?" x != null;
    merge = _pathFreeMerge (loc: defs: lib.removeSuffix "\n" (mergeEqualOption loc defs));
  };

  /** A string that a regular expression matches as a whole. */
  strMatching =
    pattern:
    mkOptionType {
      name = "strMatching ${lib.strings.escapeNixString pattern}";
      description = "string matching the pattern ${pattern}";
      descriptionClass = "noun";
      check = x: isString x && match pattern x != null;
      merge = mergeEqual;
      functor = lib.types.defaultFunctor "strMatching" // {
        type = payload: lib.types.strMatching payload.pattern;
        payload = { inherit pattern; };
        binOp = a: b: if a == b then a else null;
      };
    };

  /** Strings joined by newlines. */
  lines = separatedString "\n";

  /** Strings joined by commas. */
  commas = separatedString ",";

  /** Strings joined by spaces, as environment variables have them. */
  envVar = separatedString ":";

  /** A string that is not merged, with a hint of being a password hash or the like. */
  passwdEntry =
    entryType:
    addCheck entryType (x: !lib.hasInfix ":" x && !lib.hasInfix "\n" x)
    // {
      name = "passwdEntry ${entryType.name}";
      description = "${
        lib.types.optionDescriptionPhrase (class: class == "noun") entryType
      }, not containing newlines or colons";
      descriptionClass = "nonRestrictiveClause";
    };
}
