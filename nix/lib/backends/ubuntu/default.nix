# The backend of hosts that keep their own operating system, Ubuntu or Debian, below what Nix brings.
{ lib }:
let
  closure = import ./closure.nix { inherit lib; };
in
{
  /** What the backend makes of a host's intent: its closure. */
  compile =
    { packages, strings, ... }:
    {
      closure = closure {
        inherit packages;
        texts = lib.filter (s: s != null) strings;
      };
    };
}
