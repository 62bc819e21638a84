# nixfleet.osUpdates: how the operating system below gets its updates. The inventory's `osUpdates` lands here.
{ lib }:
let
  inherit (lib) mkOption types;
  valueTypes = import ./value-types.nix { inherit lib; };
in
{
  _file = "nixfleet: os-updates.nix";

  options.nixfleet.osUpdates = {
    ubuntu = {
      mode = mkOption {
        type = types.enum [
          "security-daily"
          "full-weekly"
          "manual"
        ];
        default = "manual";
        example = "security-daily";
        description = ''
          What apt does on its own: `security-daily` installs security updates, `full-weekly` does a full upgrade in the
          maintenance window, `manual` never touches apt and only reports.
        '';
      };

      autoReboot = mkOption {
        type = types.bool;
        default = false;
        example = true;
        description = "Whether the host may reboot after an update that needs it, within the window.";
      };

      rebootWindow = mkOption {
        type = types.nullOr valueTypes.windows;
        default = null;
        example = "Sun 02:00-04:00";
        description = ''
          When the host may reboot, in the fleet's time zone: a window or a list of windows; null leaves it to the rollout
          policies.
        '';
      };

      holds = mkOption {
        type = types.listOf types.nonEmptyStr;
        default = [ ];
        apply = lib.unique;
        example = [ "nvidia-driver-*" ];
        description = "Packages to hold at their version, as name patterns.";
      };

      maxConcurrentReboots = mkOption {
        type = types.nullOr types.ints.positive;
        default = null;
        example = 1;
        description = ''
          How many hosts that set this may be down at once, in each of this host's groups; null leaves it to the rollout
          policies. Hosts without a group are counted together.
        '';
      };
    };

    nixos.autoSwitch = mkOption {
      type = types.bool;
      default = true;
      example = false;
      description = "Whether to switch to a new system at once; otherwise it takes effect at the next boot.";
    };
  };
}
