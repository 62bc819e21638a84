/*
  NixFleet's library.

  `import ./nix/lib { }` gives
    lib      functions, option types and the module evaluator, by nixpkgs' names
    mkFleet  from what a fleet's flake says to a fleet
    version  of this library
*/
{ }:
let
  lib = import ./prelude;
  version = import ./version.nix;
in
{
  inherit lib version;
  mkFleet = import ./fleet/mk-fleet.nix {
    bundledLib = lib;
    libraryVersion = version;
  };
}
