# A host of which everything differs between two editions, for tests that interrupt the change in the middle.
{
  outputs = _: {
    nixfleet =
      { nixfleet, inputs, ... }:
      nixfleet.mkFleet {
        modules = [ (import ./change.nix (builtins.fromJSON (builtins.readFile inputs.edition))) ];
      };
  };
}
