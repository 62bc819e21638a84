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

  result' =
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
