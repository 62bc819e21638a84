# The backend of hosts that keep their own operating system, Ubuntu or Debian, below what Nix brings.
{ lib }:
let
  closure = import ./closure.nix { inherit lib; };
in
{
  /** What the backend makes of a host's intent: its closure. */
  compile =
    { packages, files, units, ... }:
    {
      closure = closure {
        inherit packages;
        texts =
          lib.concatMap (file: lib.filter (s: s != null) [ file.text file.source file.symlink ]) (lib.attrValues files)
          ++ map (unit: unit.text) (lib.attrValues units);
      };
    };
}
