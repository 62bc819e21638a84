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
          What apt does by itself: `security-daily` installs security updates, `full-weekly` does a full upgrade in the
          maintenance window, `manual` never touches apt and only reports.
        '';
      };

      autoReboot = mkOption {
        type = types.bool;
        default = false;
        example = true;
        description = "Whether the host may reboot after an update that needs it, inside the window.";
      };

      rebootWindow = mkOption {
        type = types.nullOr valueTypes.windows;
        default = null;
        example = "Sun 02:00-04:00";
        description = ''
          When the host may reboot, in the fleet's time zone: a window, or a list of several; null leaves it to the rollout
          policies.
        '';
      };

      holds = mkOption {
        type = types.listOf types.nonEmptyStr;
        default = [ ];
        apply = lib.unique;
        example = [ "nvidia-driver-*" ];
        description = "Packages that stay as they are, as patterns of their names.";
      };

      maxConcurrentReboots = mkOption {
        type = types.nullOr types.ints.positive;
        default = null;
        example = 1;
        description = ''
          In each of this host's groups, how many of the hosts that say so may be down at once; null leaves it to the rollout
          policies. Hosts without a group count among themselves.
        '';
      };
    };

    nixos.autoSwitch = mkOption {
      type = types.bool;
      default = true;
      example = false;
      description = "Whether a new system is switched to at once; otherwise it is used from the next boot on.";
    };
  };
}
