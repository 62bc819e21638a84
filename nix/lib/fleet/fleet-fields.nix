# What an inventory says of the fleet as a whole: its name and time zone, and what is wrong with them.
{ lib }:
let
  fields = import ./fields.nix { inherit lib; };
  problems = import ./problems.nix { inherit lib; };
  typedFields = removeAttrs fields.fleet.options [
    "defaults"
    "groups"
    "hosts"
    "rollout"
    "rollouts"
  ];
  evaluate = modules: lib.evalModules { modules = [ fields.fleet ] ++ modules; };
in
sources:
let
  typed = evaluate (
    map (source: {
      _file = source.file;
      config = builtins.intersectAttrs typedFields source.value;
    }) sources
  );
  layers = map (source: {
    inherit (source) file isNix value;
    label = source.file;
    path = [ ];
    at = "";
  }) sources;
  found =
    lib.concatMap (problems.unknownFields (builtins.attrNames fields.fleet.options)) layers
    ++ problems.ofValues {
      inherit typed layers;
      fields = typedFields;
    };
in
# Where something is wrong, what it would be otherwise: nobody makes a plan of it.
{
  inherit (if found == [ ] then typed.config else (evaluate [ ]).config) name timeZone;
  problems = found;
}
