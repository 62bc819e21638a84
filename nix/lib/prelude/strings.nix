# Functions on strings: joining, splitting, searching, trimming, case, numbers.
{ lib }:
let
  inherit (builtins)
    concatStringsSep
    elemAt
    filter
    genList
    head
    isList
    isPath
    isString
    length
    match
    replaceStrings
    split
    stringLength
    substring
    ;
in
rec {
  inherit (builtins)
    appendContext
    compareVersions
    concatStringsSep
    fromJSON
    getContext
    hasContext
    hashFile
    hashString
    isString
    match
    parseDrvName
    placeholder
    replaceStrings
    split
    splitVersion
    storeDir
    stringLength
    substring
    unsafeDiscardStringContext
    ;

  /** Joins strings with a separator. */
  join = concatStringsSep;

  /** Joins strings. */
  concatStrings = concatStringsSep "";

  /** Maps a list to strings and joins these. */
  concatMapStrings = f: list: concatStrings (map f list);

  /** `concatMapStrings` whose function also gets the position, from 1. */
  concatImapStrings = f: list: concatStrings (lib.imap1 f list);

  /** Puts a separator between the elements of a list. */
  intersperse =
    separator: list:
    if length list < 2 then
      list
    else
      builtins.tail (
        builtins.concatMap (x: [
          separator
          x
        ]) list
      );

  /** Maps a list to strings and joins these with a separator. */
  concatMapStringsSep =
    sep: f: list:
    concatStringsSep sep (map f list);

  /** `concatMapStringsSep` whose function also gets the position, from 1. */
  concatImapStringsSep =
    sep: f: list:
    concatStringsSep sep (lib.imap1 f list);

  /** Maps names and values to strings and joins these with a separator. */
  concatMapAttrsStringSep =
    sep: f: attrs:
    concatStringsSep sep (lib.mapAttrsToList f attrs);

  /** Joins lines, each with its newline. */
  concatLines = concatMapStrings (s: s + "\n");

  /** A string n times. */
  replicate = n: s: concatStrings (lib.lists.replicate n s);

  /** A colon-separated search path of a subdirectory in each of several paths. */
  makeSearchPath =
    subDir: paths:
    concatStringsSep ":" (map (path: path + "/" + subDir) (filter (x: x != null) paths));

  /** `makeSearchPath` of one output of each package. */
  makeSearchPathOutput =
    output: subDir: pkgs:
    makeSearchPath subDir (map (lib.getOutput output) pkgs);

  /** The search path of libraries of packages. */
  makeLibraryPath = makeSearchPathOutput "lib" "lib";

  /** The search path of programs of packages. */
  makeBinPath = makeSearchPathOutput "bin" "bin";

  /** A path without doubled slashes. */
  normalizePath =
    s: concatStrings (lib.imap0 (i: c: if c == "/" && i > 0 && substring (i - 1) 1 s == "/" then "" else c) (stringToCharacters s));

  /** The string if the condition holds, else an empty one. */
  optionalString = cond: string: if cond then string else "";

  /** Whether a string begins with another. */
  hasPrefix = pref: str: substring 0 (stringLength pref) str == pref;

  /** Whether a string ends with another. */
  hasSuffix =
    suffix: content:
    let
      lenContent = stringLength content;
      lenSuffix = stringLength suffix;
    in
    lenContent >= lenSuffix && substring (lenContent - lenSuffix) lenSuffix content == suffix;

  /** Whether a string contains another. */
  hasInfix = infix: content: match ".*${lib.escapeRegex infix}.*" "${content}" != null;

  /** The bytes of a string, as strings. */
  stringToCharacters = s: genList (p: substring p 1 s) (stringLength s);

  /** The code of an ASCII character. */
  charToInt = c: (import ./ascii.nix).${c};

  /** Maps each byte of a string. */
  stringAsChars = f: s: concatStrings (map f (stringToCharacters s));

  /** The string without the prefix, if it has it. */
  removePrefix =
    prefix: str:
    let
      len = stringLength prefix;
    in
    if substring 0 len str == prefix then substring len (-1) str else str;

  /** The string without the suffix, if it has it. */
  removeSuffix =
    suffix: str:
    if hasSuffix suffix str then substring 0 (stringLength str - stringLength suffix) str else str;

  /** The string without white space at both ends. */
  trim = trimWith {
    start = true;
    end = true;
  };

  /** The string without white space at the start, the end, or both. */
  trimWith =
    {
      start ? false,
      end ? false,
    }:
    s:
    let
      blank = " \t\r\n";
      regex =
        if start && end then
          "[${blank}]*(.*[^${blank}])[${blank}]*"
        else if start then
          "[${blank}]*(.*)"
        else if end then
          "(.*[^${blank}])[${blank}]*"
        else
          "(.*)";
      res = match regex s;
    in
    optionalString (res != null) (head res);

  /** Splits at each separator. `splitString "." "a.b"` is `[ "a" "b" ]` */
  splitString =
    sep: s:
    map (addContextFrom s) (filter isString (split (lib.escapeRegex (toString sep)) (toString s)));

  /** Gives the second string the context of the first as well. */
  addContextFrom = src: target: substring 0 0 src + target;

  /** Replaces each occurrence. */
  replaceString = from: to: replaceStrings [ from ] [ to ];

  lowerChars = stringToCharacters "abcdefghijklmnopqrstuvwxyz";
  upperChars = stringToCharacters "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

  /** ASCII letters in lower case. */
  toLower = replaceStrings upperChars lowerChars;

  /** ASCII letters in upper case. */
  toUpper = replaceStrings lowerChars upperChars;

  /** The first letter in upper case, the rest in lower case. */
  toSentenceCase =
    str: addContextFrom str (toUpper (substring 0 1 str) + toLower (substring 1 (-1) str));

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

  /** Whether a value names a path directly below the store directory. */
  isStorePath =
    x:
    isStringLike x
    && (
      let
        str = builtins.unsafeDiscardStringContext (toString x);
      in
      substring 0 1 str == "/" && dirOf str == builtins.storeDir
    );

  /** The integer that a string says; leading zeros are refused. */
  toInt =
    str:
    let
      digits = match "[[:space:]]*(-?[[:digit:]]+)[[:space:]]*" str;
      zeroPadded = match "[[:space:]]*(-?0[[:digit:]]+)[[:space:]]*" str;
    in
    if digits == null then
      throw "toInt: Could not convert ${lib.strings.escapeNixString str} to int."
    else if zeroPadded != null then
      throw "toInt: Ambiguity in interpretation of ${lib.strings.escapeNixString str} between octal and zero padded integer."
    else
      builtins.fromJSON (head digits);

  /** The integer that a string says; leading zeros mean nothing. */
  toIntBase10 =
    str:
    let
      parts = match "[[:space:]]*(-?)0*([[:digit:]]+)[[:space:]]*" str;
    in
    if parts == null then
      throw "toIntBase10: Could not convert ${lib.strings.escapeNixString str} to int."
    else
      builtins.fromJSON (head parts + elemAt parts 1);

  /** The content of a file without its last newline. */
  fileContents = file: removeSuffix "\n" (builtins.readFile file);

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
