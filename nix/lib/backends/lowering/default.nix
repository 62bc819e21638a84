/*
  What the intent comes down to on every base.

  Gives `{ manifest, at, byInstall, payloads, strings, problems, warnings }`: fields of a manifest as the Go package
  schema has them, where the entries of each option were written, the units whose [Install] section says whether they
  are enabled, the texts of the manifest by hash, strings that may refer to the store, and messages. Any of `problems`
  is an error.
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
  environmentOf = load ./environment.nix;
  accountsOf = load ./accounts.nix;
  checksOf = load ./checks.nix;
  frozen = load ./frozen.nix;
  inherit (import ../../intent { inherit lib; }) freeze;

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
  accounts = accountsOf {
    inherit (config) users groups;
    inherit options positionsIn;
  };
  checks = checksOf {
    inherit units files;
    inherit (fromUnits) here;
    isKnown = name: madeUnits ? ${name} || fromUnits.isKnown name;
  };
  directories =
    lib.mapAttrs (path: directory: directory // { at = positionsIn options.directories path; }) config.directories
    // merged "directories";

  parts = [
    (frozen.files files)
    (frozen.restarts files)
    (frozen.directories directories)
    (frozen.units units)
    (frozen.masks fromUnits.masks)
    (frozen.users accounts.users)
    (frozen.groups accounts.groups)
  ]
  ++ map (of: of { inherit config options positionsIn; }) freeze;
  all = field: lib.concatLists (lib.catAttrs field parts);
  together = field: lib.foldl' (a: b: a // b) { } (lib.catAttrs field parts);
in
{
  manifest = together "manifest";
  at = together "at";
  byInstall = all "byInstall";
  payloads = all "payloads";
  strings = all "strings";

  problems =
    concatMap (piece: piece.problems or [ ]) pieces
    ++ clashes "files" givenFiles madeFiles
    ++ clashes "systemd.units" fromUnits.units madeUnits
    ++ all "problems"
    ++ accounts.problems
    ++ checks.problems;

  inherit (checks) warnings;
}
