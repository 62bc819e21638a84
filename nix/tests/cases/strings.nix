# lib.strings
{ lib }:
let
  s = lib.strings;
  fails = x: !(builtins.tryEval (builtins.deepSeq x null)).success;
in
{
  addContextFrom = [ [ (s.addContextFrom "x" "y") "y" ] [ (builtins.hasContext (s.addContextFrom "${builtins.toFile "x" ""}" "y")) true ] ];
  appendContext = [ [ (s.appendContext "x" { }) "x" ] ];
  charToInt = [ [ (s.charToInt "A") 65 ] [ (s.charToInt "\n") 10 ] ];
  commonPrefixLength = [ [ (s.commonPrefixLength "abcd" "abxy") 2 ] [ (s.commonPrefixLength "a" "a") 1 ] ];
  commonSuffixLength = [ [ (s.commonSuffixLength "abcd" "xycd") 2 ] [ (s.commonSuffixLength "a" "b") 0 ] ];
  compareVersions = [ [ (s.compareVersions "1.2" "1.10") (-1) ] ];
  concatImapStrings = [ [ (s.concatImapStrings (i: x: "${toString i}${x}") [ "a" "b" ]) "1a2b" ] ];
  concatImapStringsSep = [ [ (s.concatImapStringsSep "-" (i: x: toString (x / i)) [ 6 6 ]) "6-3" ] ];
  concatLines = [ [ (s.concatLines [ "a" "b" ]) "a\nb\n" ] [ (s.concatLines [ ]) "" "26.05" ] ];
  concatMapAttrsStringSep = [ [ (s.concatMapAttrsStringSep "," (n: v: "${n}=${v}") { a = "1"; b = "2"; }) "a=1,b=2" ] ];
  concatMapStrings = [ [ (s.concatMapStrings (x: "a" + x) [ "foo" "bar" ]) "afooabar" ] ];
  concatMapStringsSep = [ [ (s.concatMapStringsSep "-" lib.toUpper [ "foo" "bar" ]) "FOO-BAR" ] ];
  concatStrings = [ [ (s.concatStrings [ "foo" "bar" ]) "foobar" ] ];
  concatStringsSep = [ [ (s.concatStringsSep "/" [ "usr" "local" ]) "usr/local" ] ];
  escape = [ [ (s.escape [ "(" ")" ] "(foo)") "\\(foo\\)" ] ];
  escapeC = [ [ (s.escapeC [ " " ] "foo bar") "foo\\x20bar" ] ];
  escapeNixIdentifier = [
    [ (s.escapeNixIdentifier "hello") "hello" ]
    [ (s.escapeNixIdentifier "0abc") ''"0abc"'' ]
    [ (s.escapeNixIdentifier "if") ''"if"'' "26.05" ]
  ];
  escapeNixString = [ [ (s.escapeNixString "hello\${}\n") ''"hello\''${}\n"'' ] ];
  escapeRegex = [ [ (s.escapeRegex "[^a-z]*") "\\[\\^a-z]\\*" ] ];
  escapeShellArg = [ [ (s.escapeShellArg "esc'ape\nme") "'esc'\\''ape\nme'" ] [ (s.escapeShellArg "plain/1.0") "plain/1.0" ] ];
  escapeShellArgs = [ [ (s.escapeShellArgs [ "one" "two three" ]) "one 'two three'" ] ];
  escapeURL = [ [ (s.escapeURL "foo/bar baz") "foo%2Fbar%20baz" ] ];
  escapeXML = [ [ (s.escapeXML ''"test" 'test' < & >'') "&quot;test&quot; &apos;test&apos; &lt; &amp; &gt;" ] ];
  fileContents = [ [ (s.fileContents (builtins.toFile "x" "abc\n")) "abc" ] ];
  fixedWidthNumber = [ [ (s.fixedWidthNumber 5 15) "00015" ] ];
  fixedWidthString = [ [ (s.fixedWidthString 5 "0" "15") "00015" ] ];
  floatToString = [ [ (s.floatToString 0.5) "0.500000" ] ];
  fromJSON = [ [ (s.fromJSON "[1]") [ 1 ] ] ];
  getContext = [ [ (lib.getContext "x") { } ] ];
  getName = [ [ (s.getName "youtube-dl-2016.01.01") "youtube-dl" ] [ (s.getName { pname = "x"; name = "y-1"; }) "x" ] [ (s.getName { name = "y-1"; }) "y" ] ];
  getVersion = [ [ (s.getVersion "tool-2016.01.01") "2016.01.01" ] [ (s.getVersion { name = "y-1"; }) "1" ] ];
  hasContext = [ [ (lib.hasContext "x") false ] ];
  hasInfix = [ [ (s.hasInfix "b.c" "ab.cd") true ] [ (s.hasInfix "bxc" "ab.cd") false ] ];
  hasPrefix = [ [ (s.hasPrefix "foo" "foobar") true ] [ (s.hasPrefix "foo" "barfoo") false ] ];
  hasSuffix = [ [ (s.hasSuffix "foo" "foobar") false ] [ (s.hasSuffix "foo" "barfoo") true ] [ (s.hasSuffix "longer" "er") false ] ];
  hashFile = [ [ (lib.hashFile "md5" (builtins.toFile "x" "")) "d41d8cd98f00b204e9800998ecf8427e" ] ];
  hashString = [ [ (lib.hashString "md5" "") "d41d8cd98f00b204e9800998ecf8427e" ] ];
  intersperse = [ [ (s.intersperse "/" [ "usr" "local" "bin" ]) [ "usr" "/" "local" "/" "bin" ] ] [ (s.intersperse "/" [ ]) [ ] ] ];
  isConvertibleWithToString = [ [ (s.isConvertibleWithToString 1) true ] [ (s.isConvertibleWithToString [ null ]) true ] [ (s.isConvertibleWithToString { }) false ] ];
  isStorePath = [ [ (s.isStorePath "/1rz4g4znpzjwh1xymhjpm42vipw92pr73vdgl6xs1hycac8kf2n9") true ] [ (s.isStorePath (builtins.toFile "x" "")) true ] [ (s.isStorePath "/etc") false ] [ (s.isStorePath [ ]) false ] ];
  isString = [ [ (s.isString "") true ] [ (s.isString 1) false ] ];
  isStringLike = [ [ (s.isStringLike { outPath = "x"; }) true ] [ (s.isStringLike 1) false ] ];
  isValidPosixName = [ [ (s.isValidPosixName "a_1") true ] [ (s.isValidPosixName "1a") false ] ];
  join = [ [ (s.join ", " [ "a" "b" ]) "a, b" ] ];
  levenshtein = [ [ (s.levenshtein "kitten" "sitting") 3 ] [ (s.levenshtein "" "abc") 3 ] [ (s.levenshtein "a" "") 1 ] ];
  levenshteinAtMost = [ [ (s.levenshteinAtMost 1 "foo" "fo") true ] [ (s.levenshteinAtMost 1 "foo" "bar") false ] ];
  lowerChars = [ [ (lib.length s.lowerChars) 26 ] ];
  makeIncludePath = [ [ (s.makeIncludePath [ "/a" { outPath = "/b"; dev = "/d"; } ]) "/a/include:/d/include" ] ];
  makeBinPath = [ [ (s.makeBinPath [ "/a" "/b" ]) "/a/bin:/b/bin" ] ];
  makeLibraryPath = [ [ (s.makeLibraryPath [ "/a" "/b" ]) "/a/lib:/b/lib" ] ];
  makeSearchPath = [ [ (s.makeSearchPath "bin" [ "/root" "/usr" null ]) "/root/bin:/usr/bin" ] ];
  makeSearchPathOutput = [ [ (s.makeSearchPathOutput "dev" "share" [ { outPath = "/x"; dev = "/d"; } ]) "/d/share" ] ];
  match = [ [ (s.match "a(b*)" "abb") [ "bb" ] ] ];
  normalizePath = [ [ (s.normalizePath "/a//b///c/") "/a/b/c/" ] ];
  optionalString = [ [ (s.optionalString true "x") "x" ] [ (s.optionalString false (throw "not looked at")) "" ] ];
  parseDrvName = [ [ (s.parseDrvName "nix-0.12pre") { name = "nix"; version = "0.12pre"; } ] ];
  placeholder = [ [ (s.stringLength (lib.placeholder "out")) 53 ] ];
  removePrefix = [ [ (s.removePrefix "foo." "foo.bar") "bar" ] [ (s.removePrefix "x" "foo") "foo" ] ];
  removeSuffix = [ [ (s.removeSuffix ".nix" "a.nix") "a" ] [ (s.removeSuffix "x" "foo") "foo" ] ];
  replaceString = [ [ (s.replaceString "a" "b" "banana") "bbnbnb" ] ];
  replaceStrings = [ [ (s.replaceStrings [ "a" ] [ "o" ] "banana") "bonono" ] ];
  replicate = [ [ (s.replicate 3 "v") "vvv" ] ];
  sanitizeDerivationName = [
    [ (s.sanitizeDerivationName "../hello.bar # foo") "-hello.bar-foo" ]
    [ (s.sanitizeDerivationName "") "unknown" ]
  ];
  split = [ [ (s.split "," "a,b") [ "a" [ ] "b" ] ] ];
  splitString = [ [ (s.splitString "." "foo.bar.baz") [ "foo" "bar" "baz" ] ] [ (s.splitString "/" "/usr") [ "" "usr" ] ] ];
  splitVersion = [ [ (lib.splitVersion "1.2rc") [ "1" "2" "rc" ] ] ];
  storeDir = [ [ s.storeDir builtins.storeDir ] ];
  stringAsChars = [ [ (s.stringAsChars (x: if x == "a" then "i" else x) "nax") "nix" ] ];
  stringLength = [ [ (s.stringLength "abc") 3 ] ];
  stringToCharacters = [ [ (s.stringToCharacters "abc") [ "a" "b" "c" ] ] [ (s.stringToCharacters "") [ ] ] ];
  substring = [ [ (s.substring 1 2 "abcd") "bc" ] ];
  toInt = [ [ (s.toInt " 123 ") 123 ] [ (s.toInt "-4") (-4) ] ];
  toIntBase10 = [ [ (s.toIntBase10 "00123") 123 ] [ (s.toIntBase10 "0") 0 ] ];
  toLower = [ [ (s.toLower "HOME") "home" ] ];
  toSentenceCase = [ [ (s.toSentenceCase "hOME") "Home" ] [ (fails (s.toSentenceCase ./strings.nix)) true ] ];
  toCamelCase = [
    [ (s.toCamelCase "hello-world_and more") "helloWorldAndMore" ]
    [ (s.toCamelCase "HelloWorld") "helloWorld" ]
    [ (s.toCamelCase "") "" ]
    [ (fails (s.toCamelCase 1)) true ]
  ];
  splitStringBy = [
    [ (s.splitStringBy (_: c: c == "." || c == "-") false ".foo.bar-baz--") [ "" "foo" "bar" "baz" "" "" ] ]
    [ (s.splitStringBy (p: c: p == "o" && c == "B") true "fooBarBaz") [ "foo" "BarBaz" ] ]
    [ (s.splitStringBy (_: _: false) true "") [ "" ] ]
  ];
  nameFromURL = [ [ (s.nameFromURL "https://x.org/nix-1.7.tar.bz2" "-") "nix" ] [ (fails (s.nameFromURL "https://x.org/nix" "-")) true ] ];
  toShellVar = [
    [ (s.toShellVar "foo" "some string") "foo='some string'" ]
    [ (s.toShellVar "foo" [ "a b" "c" ]) "declare -a foo=('a b' c)" ]
    [ (s.toShellVar "foo" { a = "b c"; }) "declare -A foo=([a]='b c')" ]
  ];
  toShellVars = [ [ (s.toShellVars { a = "1"; b = "2"; }) "a=1\nb=2" ] ];
  toUpper = [ [ (s.toUpper "home") "HOME" ] ];
  trim = [ [ (s.trim " \n a b\t") "a b" ] [ (s.trim "  ") "" ] ];
  trimWith = [ [ (s.trimWith { start = true; } " a ") "a " ] [ (s.trimWith { end = true; } " a ") " a" ] ];
  unsafeDiscardStringContext = [ [ (builtins.hasContext (s.unsafeDiscardStringContext "${builtins.toFile "x" ""}")) false ] ];
  upperChars = [ [ (lib.length s.upperChars) 26 ] ];
  versionAtLeast = [ [ (s.versionAtLeast "1.1" "1.0") true ] [ (s.versionAtLeast "1.0" "1.1") false ] ];
  versionOlder = [ [ (s.versionOlder "1.1" "1.2") true ] [ (s.versionOlder "1.1" "1.1") false ] ];
}
