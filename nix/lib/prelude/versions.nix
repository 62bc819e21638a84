# Parts of version numbers.
{ lib }:
rec {
  inherit (builtins) splitVersion;

  /** The first part: "1" of "1.2.3". */
  major = v: builtins.elemAt (splitVersion v) 0;

  /** The second part: "2" of "1.2.3". */
  minor = v: builtins.elemAt (splitVersion v) 1;

  /** The third part: "3" of "1.2.3". */
  patch = v: builtins.elemAt (splitVersion v) 2;

  /** The first two parts: "1.2" of "1.2.3". */
  majorMinor = v: lib.concatStringsSep "." (lib.take 2 (splitVersion v));

  /** A version cut or filled up with zeros to n parts; what follows a `-` stays. */
  pad =
    n: version:
    let
      numericVersion = builtins.head (lib.splitString "-" version);
      versionSuffix = lib.removePrefix numericVersion version;
    in
    lib.concatStringsSep "." (
      lib.take n (lib.splitVersion numericVersion ++ lib.genList (_: "0") n)
    )
    + versionSuffix;
}
