# The fields of a rollout policy: of the fleet, of a group, of a host.
{ lib }:
let
  inherit (lib) mkOption types;
  valueTypes = import ./value-types.nix { inherit lib; };
in
{
  maxParallel = mkOption {
    type = types.nullOr types.ints.positive;
    default = null;
    example = 20;
    description = "How many hosts are changed at once; null leaves it to the default of `execute`.";
  };

  canary = mkOption {
    type = types.nullOr valueTypes.hostCount;
    default = null;
    example = "10%";
    description = "How many hosts come first and alone; null means no canary.";
  };

  waves = mkOption {
    type = types.listOf valueTypes.hostCount;
    default = [ ];
    example = [
      "10%"
      "50%"
      "100%"
    ];
    description = "The share of the hosts that is done after each wave.";
  };

  soak = mkOption {
    type = types.nullOr valueTypes.duration;
    default = null;
    example = "5m";
    description = "How long a wave has to stay healthy before the next one starts.";
  };

  failureBudget = mkOption {
    type = types.nullOr valueTypes.hostBudget;
    default = null;
    example = 1;
    description = "How many hosts may fail before the rollout halts; null means none.";
  };

  rebootWindow = mkOption {
    type = types.nullOr types.nonEmptyStr;
    default = null;
    example = "Sun 02:00-04:00";
    description = "When hosts may reboot in a rollout, in the fleet's time zone; null means at any time.";
  };
}
