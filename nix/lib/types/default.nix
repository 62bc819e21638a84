# All option types, as `lib.types`.
{ lib }:
let
  load = file: import file { inherit lib; };
in
load ./base.nix
// load ./scalars.nix
// load ./containers.nix
// load ./combinators.nix
// load ./submodules.nix
