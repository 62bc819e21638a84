/*
  What the options of the intent come down to, whatever system is below: files, units, policies.

  Gives `{ files, units, policies, problems, warnings }`; `problems` are messages of what cannot be, and any is an error.
*/
{ lib }:
let
  inherit (lib) concatMap optional;
  position = import ../../fleet/position.nix;
  load = file: import file { inherit lib; };
  own = load ./own-units.nix;
  unitsOf = load ./units.nix;
  tmpfilesOf = load ./tmpfiles.nix;
  sysctlOf = load ./sysctl.nix;
  environmentOf = load ./environment.nix;
  checksOf = load ./checks.nix;

  # The file of an option's first definition, for what has no names inside.
  fileOf = option: position.relative (toString (lib.head (option.files ++ [ "" ])));

  # Two things that want one file or unit are an error; `from` says what the first set is.
  clashes =
    option: from: made:
    map (
      name:
      "nixfleet.${option}.${lib.strings.escapeNixIdentifier name} (${from.${name}.at}) is what another option makes${
        lib.optionalString (made.${name}.at != "") " (${made.${name}.at})"
      }; leave one of them out"
    ) (lib.attrNames (builtins.intersectAttrs made from));
in
/** `config` and `options` are those below nixfleet; `positionsIn` tells where an option's names are defined. */
{
  config,
  options,
  positionsIn,
}:
let
  fromUnits = unitsOf {
    inherit (config) systemd;
    options = options.systemd;
    inherit positionsIn fileOf;
  };
  services = own.ordinary fromUnits.units;
  pieces =
    [
      fromUnits
    ]
    ++ optional (config.systemd.tmpfiles != {
      rules = [ ];
      settings = { };
    }) (tmpfilesOf {
      inherit (config.systemd) tmpfiles;
      options = options.systemd.tmpfiles;
      inherit fileOf services;
    })
    ++ optional (config.sysctl != { }) (sysctlOf {
      inherit (config) sysctl;
      option = options.sysctl;
      inherit positionsIn services;
    })
    ++ optional (config.environment.variables != { } || config.profile.d != { }) (environmentOf {
      inherit (config) environment profile;
      inherit options positionsIn;
    });

  merged = name: lib.foldl' (all: piece: all // piece.${name} or { }) { } pieces;
  madeUnits = lib.foldl' (all: piece: all // piece.units or { }) { } (lib.tail pieces);
  madeFiles = merged "files";
  givenFiles =
    if config.files == { } then
      { }
    else
      let
        positions = positionsIn options.files;
      in
      lib.mapAttrs (path: file: file // { at = positions path; }) config.files;
  units = fromUnits.units // madeUnits;
  files = givenFiles // madeFiles;
  checks = checksOf { inherit units files; };
in
{
  inherit files units;

  # Keys of the host's record that are there only where there is something to say.
  policies = lib.filterAttrs (_: v: v != { }) { inherit (fromUnits) masks; };

  problems =
    concatMap (piece: piece.problems or [ ]) pieces
    ++ clashes "files" givenFiles madeFiles
    ++ clashes "systemd.units" fromUnits.units madeUnits
    ++ checks.problems;

  inherit (checks) warnings;
}
