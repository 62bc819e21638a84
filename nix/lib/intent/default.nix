/*
  All intent options: `modules`, which are sets and not functions, so that all hosts share one tree of options, and how
  each is frozen.

  A file may have a function `freeze` beside its options. It gets `{ config, options, positionsIn }`, where the first two are
  below `nixfleet`, and gives any of
    manifest  fields of the host's manifest, as the Go package schema has them
    at        where each entry was written, by option
    payloads  texts that the manifest names by hash (see ../fleet/payload.nix)
    strings   strings that run on the host and may refer to the store
    problems  messages of what cannot be; any is an error
*/
{ lib }:
let
  files = map (file: import file { inherit lib; }) [
    ./activation.nix
    ./apt.nix
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
  ];
in
{
  modules = map (file: removeAttrs file [ "freeze" ]) files;
  freeze = lib.catAttrs "freeze" files;
}
