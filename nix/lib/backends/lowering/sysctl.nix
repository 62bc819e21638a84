/*
  nixfleet.sysctl: a file in /etc/sysctl.d for the next boot, and a service that sets the values now.

  The service writes them itself: systemd-sysctl says nothing about a setting that the kernel does not know or take.
*/
{ lib }:
let
  file = import ./file.nix;
  own = import ./own-units.nix { inherit lib; };
  tree = import ../../pkgs/tree.nix;

  value = v: if v == false then "0" else toString v;

  # As sysctl.d(5) has it: the first separator tells which of the two is the other one's part of a name.
  path =
    key:
    if builtins.match "[^./]*/.*" key != null then
      key
    else
      lib.replaceStrings [ "." "/" ] [ "/" "." ] key;

  script =
    settings:
    ''
      #!/bin/sh
      # Sets what /etc/sysctl.d/60-nixfleet.conf says, and fails where the kernel does not take it.
      failed=0
      put() {
        printf '%s\n' "$2" >"/proc/sys/$1" || { echo "the kernel does not take $1 = $2" >&2; failed=1; }
      }
    ''
    + lib.concatStrings (
      lib.mapAttrsToList (key: v: "put ${lib.escapeShellArg (path key)} ${lib.escapeShellArg (value v)}\n") settings
    )
    + ''
      exit $failed
    '';
in
{
  sysctl,
  option,
  positionsIn,
  services,
}:
let
  settings = lib.filterAttrs (_: v: v != null) sysctl;
  at = positionsIn option (lib.head (lib.attrNames settings));
  program = tree.file {
    name = "nixfleet-sysctl";
    path = "bin/nixfleet-sysctl";
    text = script settings;
    executable = true;
  };
in
lib.optionalAttrs (settings != { }) {
  files."/etc/sysctl.d/60-nixfleet.conf" = file {
    text = lib.concatStrings (lib.mapAttrsToList (key: v: "${key}=${value v}\n") settings);
    inherit at;
  };
  units = own.oneshot {
    name = "nixfleet-sysctl.service";
    inherit at;
    unit = {
      Description = "Settings of the kernel by NixFleet";
      Documentation = "man:sysctl.d(5)";
      After = "systemd-sysctl.service";
      Before = if services == [ ] then null else lib.concatStringsSep " " services;
    };
    service.ExecStart = "${program}/bin/nixfleet-sysctl";
  };
}
