# nixfleet.hooks: commands around activation and reboot.
{ lib }:
let
  inherit (lib) mkOption types;
  valueTypes = import ./value-types.nix { inherit lib; };
  entries = import ./entries.nix { inherit lib; };

  hook.options = {
    when = mkOption {
      type = types.enum [
        "before-activation"
        "after-activation"
        "before-reboot"
        "after-reboot"
      ];
      example = "before-activation";
      description = "When the hook runs.";
    };

    on = mkOption {
      type = types.enum [
        "host"
        "controller"
      ];
      default = "host";
      example = "controller";
      description = "Where it runs: on the host itself, or on the machine that executes the plan.";
    };

    command = mkOption {
      type = valueTypes.command;
      example = "drain-from-load-balancer";
      description = "A command for sh.";
    };

    timeout = mkOption {
      type = valueTypes.positiveDuration;
      default = "5m";
      example = "30s";
      description = "How long it may take.";
    };

    required = mkOption {
      type = types.bool;
      default = true;
      example = false;
      description = "Whether its failure is the host's failure.";
    };

    always = mkOption {
      type = types.bool;
      default = false;
      example = true;
      description = "Whether to run it even if the step before it failed.";
    };
  };
in
{
  _file = "nixfleet: hooks.nix";

  options.nixfleet.hooks = mkOption {
    type = types.attrsOf (types.submodule hook);
    default = { };
    example = lib.literalExpression ''{ drain = { when = "before-activation"; command = "/usr/local/bin/drain"; }; }'';
    description = "Commands around activation and reboot, by name.";
  };

  freeze =
    args@{ config, ... }:
    entries.frozen args "hooks" (
      _: hook: hook // { command = builtins.unsafeDiscardStringContext hook.command; }
    )
    // {
      # What runs on the host brings along what it refers to.
      strings = map (hook: hook.command) (
        lib.filter (hook: hook.on == "host") (lib.attrValues config.hooks)
      );
    };
}
