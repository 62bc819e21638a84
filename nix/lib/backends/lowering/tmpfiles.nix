# nixfleet.systemd.tmpfiles: rules in /etc/tmpfiles.d, and a service that carries out exactly these.
{ lib }:
let
  file = import ./file.nix;
  own = import ./own-units.nix { inherit lib; };
  service = "nixfleet-tmpfiles.service";

  quoted = s: "'${s}'";
  rule =
    path: type: entry:
    lib.removeSuffix " " "${
      lib.concatMapStringsSep " " quoted [
        type
        path
        entry.mode
        entry.user
        entry.group
        entry.age
      ]
    } ${entry.argument}";
  rulesOf =
    paths:
    lib.concatLists (lib.mapAttrsToList (path: types: lib.mapAttrsToList (rule path) types) paths);
in
{
  tmpfiles,
  options,
  fileOf,
  services,
}:
let
  at = fileOf (if tmpfiles.rules != [ ] then options.rules else options.settings);
  texts =
    lib.optionalAttrs (tmpfiles.rules != [ ]) { nixfleet = tmpfiles.rules; }
    // lib.mapAttrs (_: rulesOf) tmpfiles.settings;
  files = lib.mapAttrs' (name: lines: {
    name = "/etc/tmpfiles.d/${name}.conf";
    value = file {
      text = lib.concatLines lines;
      restartUnits = [ service ];
      inherit at;
    };
  }) texts;
in
lib.optionalAttrs (texts != { }) {
  inherit files;
  problems = lib.optional (
    tmpfiles.rules != [ ] && tmpfiles.settings ? nixfleet
  ) "nixfleet.systemd.tmpfiles.settings.nixfleet is where the rules go; give the settings another name";
  units = own.oneshot {
    name = service;
    inherit at;
    unit = {
      Description = "Files and directories by NixFleet's rules";
      Documentation = "man:tmpfiles.d(5)";
      After = "systemd-tmpfiles-setup.service";
      Before = if services == [ ] then null else lib.concatStringsSep " " services;
    };
    service.ExecStart = "/usr/bin/systemd-tmpfiles --create ${lib.concatStringsSep " " (lib.attrNames files)}";
  };
}
