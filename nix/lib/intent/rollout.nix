# nixfleet.rollout: how changes reach this host among others. The inventory's `rollout` lands here.
{ lib }:
{
  _file = "nixfleet: rollout.nix";

  options.nixfleet.rollout = import ./rollout-fields.nix { inherit lib; };
}
