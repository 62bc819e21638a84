# nixfleet.reboot: when the host may reboot.
{ lib }:
let
  inherit (lib) mkOption types;
  valueTypes = import ./value-types.nix { inherit lib; };
  defaults = {
    auto = false;
    windows = [ ];
    deadline = "10m";
    stability = "10s";
  };
in
{
  _file = "nixfleet: reboot.nix";

  options.nixfleet.reboot = {
    auto = mkOption {
      type = types.bool;
      default = defaults.auto;
      example = true;
      description = "Whether the host may reboot, within its windows, when a reboot is needed.";
    };

    windows = mkOption {
      type = types.listOf valueTypes.window;
      default = defaults.windows;
      example = [
        "Sun 02:00-04:00"
        "Mon-Fri 03:00-03:30"
      ];
      description = ''
        When the host may reboot, in the fleet's time zone. If empty, `osUpdates.ubuntu.rebootWindow` and then the rollout
        policies of the host, its groups and the fleet decide; without any, it may reboot at any time.
      '';
    };

    deadline = mkOption {
      type = valueTypes.positiveDuration;
      default = defaults.deadline;
      example = "30m";
      description = "How long the host may take to come back.";
    };

    stability = mkOption {
      type = valueTypes.duration;
      default = defaults.stability;
      example = "1m";
      description = "How long the host is watched once it is back. If a unit fails in that time that had not failed before, the host has failed.";
    };
  };

  # A host that says nothing of reboots has no policy.
  freeze =
    { config, ... }:
    {
      manifest = lib.optionalAttrs (config.reboot != defaults) { inherit (config) reboot; };
    };
}
