# Functions on strings: joining, splitting, searching, trimming, case.
{ lib }:
let
  inherit (builtins)
    concatStringsSep
    elemAt
    filter
    genList
    head
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

  /** The search path of header files of packages. */
  makeIncludePath = makeSearchPathOutput "dev" "include";

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
    str:
    lib.throwIfNot (isString str) "toSentenceCase: a string is expected, got a ${builtins.typeOf str}" (
      addContextFrom str (toUpper (substring 0 1 str) + toLower (substring 1 (-1) str))
    );

  /** A string of words, however these are told apart, in camelCase. */
  toCamelCase =
    str:
    lib.throwIfNot (isString str) "toCamelCase: a string is expected, got a ${builtins.typeOf str}" (
      let
        separated = splitStringBy (_: c: builtins.elem c [ "-" "_" " " ]) false str;
        isStart = prev: c: match "[a-z]" prev != null && match "[A-Z]" c != null;
        words = builtins.concatMap (splitStringBy isStart true) separated;
      in
      addContextFrom str (toLower (head words) + concatMapStrings toSentenceCase (builtins.tail words))
    );

  /**
    Splits where a predicate of a character and the one before it holds; the character begins the next part if it is
    kept. `splitStringBy (_: c: c == ".") false "a.b"` is `[ "a" "b" ]`
  */
  splitStringBy =
    predicate: keepSplit: str:
    let
      len = stringLength str;
      char = i: substring i 1 str;
      starts = filter (i: predicate (if i == 0 then "" else char (i - 1)) (char i)) (genList (i: i) len);
      # Where parts begin and end, the separators not among them.
      from = [ 0 ] ++ map (i: if keepSplit then i else i + 1) starts;
      to = starts ++ [ len ];
    in
    lib.zipListsWith (a: b: substring a (b - a) str) from to;

  /** What stands before a separator in the last part of a URL. */
  nameFromURL =
    url: sep:
    let
      filename = lib.last (splitString "/" url);
      name = head (splitString sep filename);
    in
    if name == filename then throw "nameFromURL: there is no ${sep} in ${filename}" else name;

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
}
