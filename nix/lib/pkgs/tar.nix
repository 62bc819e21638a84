/*
  Archives of text files and symbolic links, as strings.

  Nix itself unpacks an archive (`builtin:unpack-channel`), on any machine, for any system, with no program at hand; that is
  how a fleet without nixpkgs gets directories and executables. Nix strings cannot hold a NUL byte, with which tar fills
  its fields up, so this writes the dialect that needs none: pax headers carry the path, the numbers end in spaces, and the
  archive ends where the last block does.
*/
let
  inherit (builtins)
    concatStringsSep
    genList
    stringLength
    substring
    ;

  repeat = s: n: concatStringsSep "" (genList (_: s) n);

  # The octal digits of a number, and their sum.
  digits = n: if n < 8 then toString n else digits (n / 8) + toString (n - n / 8 * 8);
  digitSum = n: if n < 8 then n else digitSum (n / 8) + (n - n / 8 * 8);
  zeros = "000000000000";
  octal =
    width: n:
    let
      d = digits n;
    in
    substring 0 (width - stringLength d) zeros + d;

  spaces = repeat " " 512;
  padded =
    s:
    let
      rest = stringLength s - stringLength s / 512 * 512;
    in
    if rest == 0 then s else s + substring 0 (512 - rest) spaces;

  # The name is what a pax header says. A control character in its place keeps the archive from looking like text, in which
  # libarchive would search for uuencoded data.
  name = repeat (builtins.fromJSON ''"\u0001"'') 100;
  rest = repeat " " 355;

  # The sum of all bytes of a header, were all its digits zeros and its type 0; the checksum counts itself as spaces.
  blankSum = 100 * 1 + (7 + 7 + 7 + 11 + 11 + 1) * 48 + (5 + 8 + 355) * 32;

  header =
    {
      type,
      mode ? 420,
      size,
    }:
    let
      typeCode = if type == "x" then 120 else 48 + builtins.fromJSON type;
      checksum = blankSum - 48 + typeCode + digitSum mode + digitSum size;
    in
    "${name}${octal 7 mode} 0000000 0000000 ${octal 11 size} 00000000000 ${octal 6 checksum}  ${type}${rest}";

  # A pax record begins with its own length, which counts the digits of that length.
  record =
    key: value:
    let
      rest = " ${key}=${value}\n";
      fit = n: if stringLength (toString n) + stringLength rest == n then n else fit (n + 1);
    in
    toString (fit (stringLength rest + 1)) + rest;

  extended =
    records:
    header {
      type = "x";
      size = stringLength records;
    }
    + padded records;
in
{
  /** The archive of `[{ path, text, executable }]`. */
  files =
    entries:
    concatStringsSep "" (
      map (
        {
          path,
          text,
          executable ? false,
        }:
        extended (record "path" path)
        + header {
          type = "0";
          mode = if executable then 493 else 420;
          size = stringLength text;
        }
        + padded text
      ) entries
    );

  /** The archive of `[{ path, target }]`, symbolic links. */
  links =
    entries:
    concatStringsSep "" (
      map (
        { path, target }:
        extended (record "path" path + record "linkpath" target)
        + header {
          type = "2";
          mode = 511;
          size = 0;
        }
      ) entries
    );
}
