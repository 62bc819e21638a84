/*
  What the options of the intent come down to, whatever system is below: files, directories, units, accounts and policies.

  Gives `{ files, directories, units, users, groups, policies, strings, problems, warnings }`; `problems` are messages of what cannot be, and any is an error.
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
  firewallOf = load ./firewall.nix;
  keysOf = load ./authorized-keys.nix;
  policiesOf = load ./policies.nix;
  environmentOf = load ./environment.nix;
  accountsOf = load ./accounts.nix;
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
/**
  `config` and `options` are those below nixfleet; `positionsIn` tells where an option's names are defined; `sshPort` is
  how the host is reached.
*/
{
  config,
  options,
  positionsIn,
  sshPort,
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
    })
    ++ optional (options.firewall.definitionsWithLocations != [ ]) (firewallOf {
      inherit (config) firewall;
      option = options.firewall;
      inherit sshPort;
    })
    ++ optional (config.users != { }) (keysOf {
      inherit (config) users directories;
      positions = positionsIn options.users;
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
  policies = policiesOf { inherit config options positionsIn; };
  accounts = accountsOf {
    inherit (config) users groups;
    positions = positionsIn options.groups;
  };
  checks = checksOf {
    inherit units files;
    inherit (fromUnits) here;
    isKnown = name: madeUnits ? ${name} || fromUnits.isKnown name;
  };
in
{
  inherit files units;
  directories =
    lib.mapAttrs (path: directory: directory // { at = positionsIn options.directories path; }) config.directories
    // merged "directories";

  # Keys of the host's record that are there only where there is something to say.
  policies = lib.filterAttrs (_: v: v != { }) ({ inherit (fromUnits) masks; } // policies.values);

  # What the accounts of the fleet have beyond what they say themselves.
  inherit (accounts) users groups;
  # Texts besides files and units that may refer to the store.
  inherit (policies) strings;

  problems =
    concatMap (piece: piece.problems or [ ]) pieces
    ++ clashes "files" givenFiles madeFiles
    ++ clashes "systemd.units" fromUnits.units madeUnits
    ++ policies.problems
    ++ accounts.problems
    ++ checks.problems;

  inherit (checks) warnings;
}
