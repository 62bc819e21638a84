/*
  Fleets for tests: `result` is what the compiler gets for mkFleet's arguments, without a flake around them.

  With nixpkgs' own `lib` given, the fleet is evaluated with it, as `mkFleet { nixpkgs = …; }` does.
*/
{
  lib ? null,
}:
let
  nixfleet = import ../lib { };
  # Ours has all names of nixpkgs, but throws at those it lacks.
  isNixpkgs = lib != null && (builtins.tryEval lib.fileset).success;
  compile = import ../lib/compile.nix;
  lib' = nixfleet.lib;
  requestOf =
    {
      inventory ? null,
      select ? null,
      inputs ? { },
      part ? null,
    }:
    {
      version = 1;
      inherit
        inventory
        select
        inputs
        part
        ;
    };
in
rec {
  inherit nixfleet compile;

  result = result' { };

  # A host as tests look at it: the lists of its manifest by name, with the texts and the places that belong to them.
  viewOf =
    payloads: host:
    let
      m = host.manifest;
      byName =
        set: field:
        lib'.listToAttrs (
          map (entry: {
            name = entry.name or entry.path;
            value = removeAttrs entry [ (if entry ? name then "name" else "path") "payload" ] // {
              at = host.at.${set}.${entry.name or entry.path};
            } // lib'.optionalAttrs (entry ? payload) { text = payloads.${entry.payload}; };
          }) m.${field} or [ ]
        );
    in
    removeAttrs host [ "manifest" "at" ]
    // m
    // {
      files = builtins.mapAttrs (
        path: file:
        let
          unitsOf = field: map (rule: rule.unit) (builtins.filter (rule: builtins.elem path rule.${field}) m.restarts);
        in
        file // { restartUnits = unitsOf "restart"; reloadUnits = unitsOf "reload"; }
      ) (byName "files" "files");
      directories = byName "directories" "directories";
      units = byName "systemd.units" "units";
      users = byName "users" "users";
      groups = byName "groups" "groups";
      healthChecks = byName "healthChecks" "healthChecks";
      hooks = byName "hooks" "hooks";
      tasks = byName "tasks" "tasks";
      secrets = builtins.mapAttrs (
        _: secret: removeAttrs secret [ "ciphertext" ] // { text = payloads.${secret.ciphertext}; }
      ) (byName "secrets" "secrets");
      masks = lib'.genAttrs m.masks (name: { at = host.at."systemd.masks".${name}; });
      memberOf = host.groups;
    };

  result' =
    request: args:
    view (raw request args);

  view = all: all // { hosts = builtins.mapAttrs (_: viewOf (payloads all.texts)) all.hosts; };

  payloads = texts: lib'.listToAttrs (map (import ../lib/fleet/payload.nix) texts);

  /** What the compiler itself gets. */
  raw =
    request: args:
    compile {
      output =
        { nixfleet, ... }:
        nixfleet.mkFleet ((if isNixpkgs then { nixpkgs = { inherit lib; }; } else { }) // args);
      request = requestOf request;
    };

  /** The intent of one Ubuntu host with these modules. */
  host =
    modules:
    (result {
      hosts.h = {
        base = "ubuntu";
        addr = "10.0.0.1";
        inherit modules;
      };
    }).hosts.h;

  inventory = value: {
    inventory = {
      file = "inventory/prod.yaml";
      inherit value;
    };
  };
}
