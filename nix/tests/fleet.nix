/*
  Fleets for tests: `result` is what the compiler gets for mkFleet's arguments, without a flake around them.

  With `lib` given, the fleet is evaluated with it in place of our own, as `mkFleet { nixpkgs = …; }` does.
*/
{
  lib ? null,
}:
let
  nixfleet = import ../lib { };
  compile = import ../lib/compile.nix;
  requestOf =
    {
      inventory ? null,
      select ? null,
      inputs ? { },
    }:
    {
      version = 1;
      inherit inventory select inputs;
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
        nixfleet.mkFleet ((if lib == null then { } else { nixpkgs = { inherit lib; }; }) // args);
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
