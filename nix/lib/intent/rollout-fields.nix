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
    description = "When hosts may reboot, in the fleet's time zone: a window, or a list of several; null means at any time.";
  };

  shared = {
    inherit rebootWindow;

    maxParallel = mkOption {
      type = types.nullOr valueTypes.hostCount;
      default = null;
      example = 20;
      description = "How many hosts are at work at once; null means 20 in all, and no limit of its own for a group.";
    };

    spread = mkOption {
      type = types.coercedTo types.nonEmptyStr (tag: [ tag ]) (types.listOf types.nonEmptyStr);
      default = [ ];
      example = "rack";
      description = "A tag, or a list of tags: of hosts that have the same value of it, never two are at work at once.";
    };

    canary = mkOption {
      type = types.nullOr valueTypes.canary;
      default = null;
      example = "10%";
      description = ''
        Which hosts come first and alone: so many of them, those of a list, one of every group (`{ onePer = "group"; }`)
        or one for every value of a tag (`{ onePerTag = "zone"; }`). Null means no canary.
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
      description = "How many hosts are done after each wave, the canary included; whoever is left makes one more.";
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
      description = ''
        How many hosts may fail in all; with one more, nothing more starts at once. Of a canary none may. Null means that a
        wave is finished whatever fails in it, and that no other starts then.
      '';
    };

    waveFailureBudget = mkOption {
      type = types.nullOr valueTypes.hostBudget;
      default = null;
      example = "10%";
      description = "How many hosts of each wave may fail; null leaves it to `failureBudget`.";
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
        What becomes of hosts that changed: `halt` leaves them, `rollback-host` takes back those that failed, `rollback-wave`
        all of the wave in which the rollout halts, `rollback-all` all of the rollout. Null means `halt`.
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
      description = "Whether a host that cannot be reached has failed, or is held for a later execution; null means `fail`.";
    };

    maxConcurrentReboots = mkOption {
      type = types.nullOr valueTypes.hostCount;
      default = null;
      example = 1;
      description = "How many hosts may be down at once for a reboot; null means as many as may be at work.";
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
      description = "Groups all of whose hosts come before the first of this group.";
    };
  };

  fleet = shared // {
    gate = mkOption {
      type = types.nullOr gate.type;
      default = null;
      example = lib.literalExpression ''{ command = "curl -fs http://slo.example.org/ok"; }'';
      apply = given: if given == null then null else gate.defaults // given;
      description = ''
        What is asked before the first wave and after each one, whether the rollout may go on: a command for sh, on the
        machine that executes the plan, which exits with 0 where it may. It may take `timeout`, and is asked again
        `retries` times, after `interval` each.
      '';
    };
  };
}
