# All intent options, as modules. They are sets and no functions, so that all hosts share one tree of options.
{ lib }:
map (file: import file { inherit lib; }) [
  ./activation.nix
  ./assertions.nix
  ./directories.nix
  ./environment.nix
  ./files.nix
  ./firewall.nix
  ./groups.nix
  ./health-checks.nix
  ./hooks.nix
  ./os-updates.nix
  ./packages.nix
  ./reboot.nix
  ./rollout.nix
  ./secrets.nix
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
  ./tasks.nix
  ./tmpfiles.nix
  ./users.nix
]
