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
    foldl'
    genList
    stringLength
    substring
    ;
  ascii = import ../prelude/ascii.nix;

  repeat = s: n: concatStringsSep "" (genList (_: s) n);
  numbers = genList (i: i);
  sum = s: foldl' (acc: i: acc + ascii.${substring i 1 s}) 0 (numbers (stringLength s));

  digits = n: if n < 8 then toString n else digits (n / 8) + toString (n - n / 8 * 8);
  octal = width: n: repeat "0" (width - stringLength (digits n)) + digits n;

  padded =
    s:
    let
      rest = stringLength s - stringLength s / 512 * 512;
    in
    if rest == 0 then s else s + repeat " " (512 - rest);

  header =
    {
      type,
      mode ? 420,
      size,
    }:
    let
      before = repeat "x" 100 + "${octal 7 mode} 0000000 0000000 ${octal 11 size} 00000000000 ";
      after = type + repeat " " 355;
      # The checksum counts its own field as eight spaces.
      checksum = sum before + sum after + 8 * 32;
    in
    before + octal 6 checksum + "  " + after;

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
