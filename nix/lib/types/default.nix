# All option types, as `lib.types`.
{ lib }:
let
  load = file: import file { inherit lib; };
in
load ./base.nix
// load ./values.nix
// load ./numbers.nix
// load ./strings.nix
// load ./paths.nix
// load ./containers.nix
// load ./combinators.nix
// load ./submodules.nix
