# The fields of a rollout policy: what the fleet, a group and a single host may say of rollouts.
{ lib }:
let
  inherit (lib) mkOption types;
  valueTypes = import ./value-types.nix { inherit lib; };

  # No submodule: that could say only that it is one.
  gate = {
    type = types.addCheck (types.attrsOf (types.either types.str types.ints.unsigned)) (
      given:
      let
        has = type: field: given ? ${field} -> type.check given.${field};
      in
      lib.isString (given.command or null)
      && lib.all (has valueTypes.duration) [
        "interval"
        "timeout"
      ]
      && has types.ints.unsigned "retries"
      && removeAttrs given ([ "command" ] ++ lib.attrNames gate.defaults) == { }
    )
    // {
      description = "{ command = \"…\"; }, with interval and timeout as \"10s\" and a number of retries where they shall be others";
      descriptionClass = "noun";
    };
    defaults = {
      interval = "10s";
      timeout = "30s";
      retries = 5;
    };
  };

  rebootWindow = mkOption {
    type = types.nullOr valueTypes.windows;
    default = null;
    example = "Sun 02:00-04:00";
    description = "When hosts may reboot, in the fleet's time zone: a window or a list of windows; null means any time.";
  };

  shared = {
    inherit rebootWindow;

    maxParallel = mkOption {
      type = types.nullOr valueTypes.hostCount;
      default = null;
      example = 20;
      description = "How many hosts change at once; null means 20 for the fleet and no extra limit for a group.";
    };

    spread = mkOption {
      type = types.coercedTo types.nonEmptyStr (tag: [ tag ]) (types.listOf types.nonEmptyStr);
      default = [ ];
      example = "rack";
      description = "A tag or a list of tags: two hosts with the same value never change at once.";
    };

    canary = mkOption {
      type = types.nullOr valueTypes.canary;
      default = null;
      example = "10%";
      description = ''
        Which hosts go first, on their own: a number, a list of hosts, one of every group (`{ onePer = "group"; }`) or one per
        value of a tag (`{ onePerTag = "zone"; }`). Null means no canary.
      '';
    };

    waves = mkOption {
      type = types.listOf valueTypes.hostCount;
      default = [ ];
      example = [
        "10%"
        "50%"
        "100%"
      ];
      description = "How many hosts are done after each wave, the canary included; the remaining hosts are one more wave.";
    };

    soak = mkOption {
      type = types.nullOr valueTypes.duration;
      default = null;
      example = "5m";
      description = "How long a wave must stay healthy before the next one starts.";
    };

    failureBudget = mkOption {
      type = types.nullOr valueTypes.hostBudget;
      default = null;
      example = 1;
      description = ''
        How many hosts may fail in total; the next failure halts the rollout at once. In a canary none may fail. Null means
        that a wave with failures is finished, and that no other wave starts.
      '';
    };

    waveFailureBudget = mkOption {
      type = types.nullOr valueTypes.hostBudget;
      default = null;
      example = "10%";
      description = "How many hosts of each wave may fail; null means `failureBudget`.";
    };

    onFailure = mkOption {
      type = types.nullOr (
        types.enum [
          "halt"
          "rollback-host"
          "rollback-wave"
          "rollback-all"
        ]
      );
      default = null;
      example = "rollback-wave";
      description = ''
        What to do with changed hosts after a failure: `halt` leaves them, `rollback-host` rolls back those that failed,
        `rollback-wave` all of the wave in which the rollout halts, `rollback-all` all of the rollout. Null means `halt`.
      '';
    };

    offline = mkOption {
      type = types.nullOr (
        types.enum [
          "fail"
          "hold"
        ]
      );
      default = null;
      example = "hold";
      description = "Whether an unreachable host fails or is held for a later execution; null means `fail`.";
    };

    maxConcurrentReboots = mkOption {
      type = types.nullOr valueTypes.hostCount;
      default = null;
      example = 1;
      description = "How many hosts may be down for a reboot at once; null means as many as may change at once.";
    };
  };
in
{
  host = {
    inherit rebootWindow;
  };

  group = shared // {
    after = mkOption {
      type = types.listOf types.nonEmptyStr;
      default = [ ];
      example = [ "db" ];
      description = "Groups whose hosts must all be done before the first host of this group.";
    };
  };

  fleet = shared // {
    gate = mkOption {
      type = types.nullOr gate.type;
      default = null;
      example = lib.literalExpression ''{ command = "curl -fs http://slo.example.org/ok"; }'';
      apply = given: if given == null then null else gate.defaults // given;
      description = ''
        A command that decides before the first wave and after each wave whether the rollout continues: it runs with sh on
        the machine that executes the plan, and exits with 0 to continue. It may take `timeout`, and is repeated up to
        `retries` times, `interval` apart.
      '';
    };
  };
}
