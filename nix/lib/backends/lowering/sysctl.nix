/*
  nixfleet.sysctl: a file in /etc/sysctl.d for the next boot, and a service that sets the values now.

  The service writes them itself: systemd-sysctl says nothing about a setting that the kernel does not know or take. And it
  keeps what was before, for when a setting is let go. A change is a reload, so that what stays set is so all the time.
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
      # Sets what /etc/sysctl.d/60-nixfleet.conf says, and fails where the kernel does not take it. What was before stands in
      # /run/nixfleet-sysctl and comes back for what is no longer set; with the argument stop, for everything.
      before=/run/nixfleet-sysctl
      failed=0
      put() {
        if [ ! -e "$before/$1" ] && mkdir -p "$before/''${1%/*}"; then
          cat "/proc/sys/$1" >"$before/$1.new" && mv "$before/$1.new" "$before/$1"
        fi
        printf '%s\n' "$2" >"/proc/sys/$1" || { echo "the kernel does not take $1 = $2" >&2; failed=1; }
      }
      isSet() {
        [ "$stop" = "" ] || return 1
        case $1 in
        ${lib.concatMapStringsSep " | " (key: lib.escapeShellArg (path key)) (lib.attrNames settings)}) return 0 ;;
        *) return 1 ;;
        esac
      }
      stop=$1
      if [ -d $before ]; then
        (cd $before && find . -type f) | while read -r key; do
          key=''${key#./}
          isSet "$key" || { cat "$before/$key" >"/proc/sys/$key"; rm -f "$before/$key"; }
        done
      fi
      [ "$stop" = "" ] || exit 0
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
    onChange = "reload";
    service = {
      ExecStart = "${program}/bin/nixfleet-sysctl";
      ExecReload = "${program}/bin/nixfleet-sysctl";
      ExecStop = "${program}/bin/nixfleet-sysctl stop";
    };
  };
}
