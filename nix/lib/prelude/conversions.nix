# What strings stand for: numbers, versions, names, store paths; and how far two of them are apart.
{ lib }:
let
  inherit (builtins)
    elemAt
    head
    isList
    isPath
    isString
    match
    split
    stringLength
    substring
    ;
  inherit (lib.strings) concatMapStrings escapeNixString;
in
rec {
  /** The code of an ASCII character. */
  charToInt = c: (import ./ascii.nix).${c};

  /** Whether the first version is older. */
  versionOlder = v1: v2: builtins.compareVersions v2 v1 == 1;

  /** Whether the first version is the same or newer. */
  versionAtLeast = v1: v2: !versionOlder v1 v2;

  /** The name of a package without its version. */
  getName =
    x:
    let
      parse = drv: (builtins.parseDrvName drv).name;
    in
    if isString x then parse x else x.pname or (parse x.name);

  /** The version of a package. */
  getVersion =
    x:
    let
      parse = drv: (builtins.parseDrvName drv).version;
    in
    if isString x then parse x else x.version or (parse x.name);

  /** A string filled up on the left to a width. */
  fixedWidthString =
    width: filler: str:
    let
      strw = stringLength str;
      reqWidth = width - (stringLength filler);
    in
    if strw > width then
      throw "fixedWidthString: requested string length (${toString width}) must not be shorter than actual length (${toString strw})"
    else if strw == width then
      str
    else
      filler + fixedWidthString reqWidth filler str;

  /** A number filled up on the left with zeros. */
  fixedWidthNumber = width: n: fixedWidthString width "0" (toString n);

  /** A float as a string. */
  floatToString =
    float:
    let
      result = toString float;
    in
    if float == builtins.fromJSON result then
      result
    else
      lib.warn "Imprecise conversion from float to string ${result}" result;

  /** Whether `toString` works on a value. */
  isConvertibleWithToString =
    x:
    let
      types = [
        "null"
        "int"
        "float"
        "bool"
      ];
    in
    isStringLike x
    || builtins.elem (builtins.typeOf x) types
    || (isList x && lib.all isConvertibleWithToString x);

  /** Whether a value can stand in `"${…}"`. */
  isStringLike = x: isString x || isPath x || x ? outPath || x ? __toString;

  /** Whether a value names a path directly below the store directory, or will once a derivation has told its hash. */
  isStorePath =
    x:
    isStringLike x
    && (
      let
        str = builtins.unsafeDiscardStringContext (toString x);
      in
      substring 0 1 str == "/" && (dirOf str == builtins.storeDir || match "/[0-9a-z]{52}" str != null)
    );

  /** The integer that a string says; leading zeros are refused. */
  toInt =
    str:
    let
      digits = match "[[:space:]]*(-?[[:digit:]]+)[[:space:]]*" str;
      zeroPadded = match "[[:space:]]*(-?0[[:digit:]]+)[[:space:]]*" str;
    in
    if digits == null then
      throw "toInt: Could not convert ${escapeNixString str} to int."
    else if zeroPadded != null then
      throw "toInt: Ambiguity in interpretation of ${escapeNixString str} between octal and zero padded integer."
    else
      builtins.fromJSON (head digits);

  /** A string that may be the name of a store path. */
  sanitizeDerivationName =
    string:
    let
      clean = builtins.unsafeDiscardStringContext (toString string);
      allowed = concatMapStrings (s: if isList s then "-" else s) (split "[^[:alnum:]+._?=-]+" (head (match "\\.*(.*)" clean)));
      cut = substring (lib.max (stringLength allowed - 207) 0) (-1) allowed;
    in
    if cut == "" then "unknown" else cut;

  /** How many characters two strings have in common at their beginning. */
  commonPrefixLength =
    a: b:
    let
      m = lib.min (stringLength a) (stringLength b);
      go =
        i:
        if i >= m then
          m
        else if substring i 1 a == substring i 1 b then
          go (i + 1)
        else
          i;
    in
    go 0;

  /** How many characters two strings have in common at their end. */
  commonSuffixLength =
    a: b:
    let
      m = lib.min (stringLength a) (stringLength b);
      at = s: i: substring (stringLength s - i - 1) 1 s;
      go =
        i:
        if i >= m then
          m
        else if at a i == at b i then
          go (i + 1)
        else
          i;
    in
    go 0;

  /** How many single-character edits lead from one string to the other. */
  levenshtein =
    a: b:
    let
      la = stringLength a;
      lb = stringLength b;
      # Row i of the edit matrix, from row i-1: a left fold that carries the row so far.
      nextRow =
        row: i:
        builtins.foldl' (
          acc: j:
          let
            cost = if substring (i - 1) 1 a == substring (j - 1) 1 b then 0 else 1;
            value = lib.min (lib.min (elemAt row j + 1) (elemAt acc (j - 1) + 1)) (elemAt row (j - 1) + cost);
          in
          builtins.seq value (acc ++ [ value ])
        ) [ i ] (lib.range 1 lb);
    in
    lib.last (builtins.foldl' nextRow (lib.range 0 lb) (lib.range 1 la));

  /** Whether at most k edits lead from one string to the other. */
  levenshteinAtMost =
    k: a: b:
    let
      diff = stringLength a - stringLength b;
    in
    diff <= k && -diff <= k && levenshtein a b <= k;
}
