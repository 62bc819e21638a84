# nixfleet.activation: how a change takes hold on the host, and how it is taken back.
{ lib }:
let
  inherit (lib) mkOption types;
  valueTypes = import ./value-types.nix { inherit lib; };
  # A host that waits is locked.
  confirmWindow = types.addCheck valueTypes.duration (v: valueTypes.seconds v <= 3600) // {
    description = "duration of at most 1h, such as \"90s\" or \"5m\"";
  };
in
{
  _file = "nixfleet: activation.nix";

  options.nixfleet.activation = {
    confirmWindow = mkOption {
      type = confirmWindow;
      default = "60s";
      example = "5m";
      description = ''
        How long the host waits after a change for proof that it can still be reached: a new connection from the
        machine that executes the plan. Without one the change is undone. "0s" turns this off.
      '';
    };

    keepGenerations = mkOption {
      type = types.ints.between 2 1000;
      default = 10;
      example = 30;
      description = "How many generations the host keeps for rollbacks, including the current one, with everything they need.";
    };
  };

  freeze =
    { config, ... }:
    {
      manifest = { inherit (config) activation; };
    };
}
