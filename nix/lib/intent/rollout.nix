# nixfleet.rollout: what a single host says of rollouts. The rest is the fleet's and its groups': see fleet/policies.nix.
{ lib }:
{
  _file = "nixfleet: rollout.nix";

  options.nixfleet.rollout = (import ./rollout-fields.nix { inherit lib; }).host;
}
