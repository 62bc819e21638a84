# All intent options, as modules. They are sets and no functions, so that all hosts share one tree of options.
{ lib }:
map (file: import file { inherit lib; }) [
  ./assertions.nix
  ./directories.nix
  ./files.nix
  ./groups.nix
  ./os-updates.nix
  ./packages.nix
  ./rollout.nix
  ./units.nix
  ./users.nix
]
