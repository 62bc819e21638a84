# Quoting: for the shell, regular expressions, Nix, XML and URLs.
{ lib }:
let
  inherit (builtins)
    concatStringsSep
    isAttrs
    isList
    match
    replaceStrings
    ;
  ascii = import ./ascii.nix;

  # What the parser would not take as a name.
  keywords = [
    "assert"
    "else"
    "if"
    "in"
    "inherit"
    "let"
    "or"
    "rec"
    "then"
    "with"
  ];
in
rec {
  /** Puts a backslash before each of the given characters. */
  escape = list: replaceStrings list (map (c: "\\${c}") list);

  /** Writes each of the given characters as `\xHH`. */
  escapeC =
    list:
    replaceStrings list (
      map (c: "\\x${lib.fixedWidthString 2 "0" (lib.toLower (lib.toHexString ascii.${c}))}") list
    );

  /** Percent-encodes everything but the unreserved characters of a URL. */
  escapeURL =
    let
      reserved = builtins.removeAttrs ascii (
        lib.stringToCharacters "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"
      );
    in
    replaceStrings (builtins.attrNames reserved) (
      lib.mapAttrsToList (_: code: "%" + lib.fixedWidthString 2 "0" (lib.toHexString code)) reserved
    );

  /** Quotes a string for the shell where that is needed. */
  escapeShellArg =
    arg:
    let
      string = toString arg;
    in
    if match "[[:alnum:],._+:@%/-]+" string == null then
      "'${replaceStrings [ "'" ] [ "'\\''" ] string}'"
    else
      string;

  /** Quotes several strings for the shell. */
  escapeShellArgs = lib.concatMapStringsSep " " escapeShellArg;

  /** Whether a string may be the name of a shell variable. */
  isValidPosixName = name: match "[a-zA-Z_][a-zA-Z0-9_]*" name != null;

  /** A shell assignment; sets and lists become bash arrays. */
  toShellVar =
    name: value:
    lib.throwIfNot (isValidPosixName name) "toShellVar: ${name} is not a valid shell variable name" (
      if isAttrs value && !lib.isStringLike value then
        "declare -A ${name}=(${
          concatStringsSep " " (
            lib.mapAttrsToList (n: v: "[${escapeShellArg n}]=${escapeShellArg v}") value
          )
        })"
      else if isList value then
        "declare -a ${name}=(${escapeShellArgs value})"
      else
        "${name}=${escapeShellArg value}"
    );

  /** A shell assignment for each attribute. */
  toShellVars = vars: concatStringsSep "\n" (lib.mapAttrsToList toShellVar vars);

  /** A string as a Nix string literal. */
  escapeNixString = s: escape [ "$" ] (builtins.toJSON s);

  /** A string in which regular expressions see nothing special. */
  escapeRegex = escape (lib.stringToCharacters "\\[{()^$?*+|.");

  /** A name as Nix accepts it in an attribute path. */
  escapeNixIdentifier =
    s:
    if match "[a-zA-Z_][a-zA-Z0-9_'-]*" s != null && !(builtins.elem s keywords) then
      s
    else
      escapeNixString s;

  /** A string for text and attributes of XML. */
  escapeXML =
    replaceStrings
      [ "\"" "'" "<" ">" "&" ]
      [ "&quot;" "&apos;" "&lt;" "&gt;" "&amp;" ];
}
