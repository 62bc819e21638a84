# All intent options, as modules. They are sets and no functions, so that all hosts share one tree of options.
{ lib }:
map (file: import file { inherit lib; }) [
  ./assertions.nix
  ./directories.nix
  ./environment.nix
  ./files.nix
  ./groups.nix
  ./os-updates.nix
  ./packages.nix
  ./rollout.nix
  ./sysctl.nix
  ./systemd/masks.nix
  ./systemd/mounts.nix
  ./systemd/paths.nix
  ./systemd/services.nix
  ./systemd/slices.nix
  ./systemd/sockets.nix
  ./systemd/targets.nix
  ./systemd/timers.nix
  ./systemd/units.nix
  ./tmpfiles.nix
  ./users.nix
]
