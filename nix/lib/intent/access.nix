# Options that the things of a host share: who may read them, what starts anew when they change, who had them before.
{ lib }:
let
  inherit (lib) mkOption types;
  valueTypes = import ./value-types.nix { inherit lib; };

  units =
    example: description:
    mkOption {
      type = types.listOf valueTypes.unitName;
      default = [ ];
      example = [ example ];
      inherit description;
    };
in
{
  /** Names as plans list them: sorted, each once. */
  sorted = names: if lib.length names < 2 then names else lib.attrNames (lib.genAttrs names (_: null));

  /** `mode`, `owner` and `group` of a `thing`. */
  ownership =
    thing:
    {
      mode,
      example,
    }:
    {
      mode = mkOption {
        type = valueTypes.mode;
        default = mode;
        apply = valueTypes.fourDigits;
        inherit example;
        description = "The mode of the ${thing}, in octal digits.";
      };

      owner = mkOption {
        type = valueTypes.accountName;
        default = "root";
        example = "myapp";
        description = "The user who owns the ${thing}.";
      };

      group = mkOption {
        type = valueTypes.accountName;
        default = "root";
        example = "myapp";
        description = "The group of the ${thing}.";
      };
    };

  /** `restartUnits` and `reloadUnits` of a `thing`. */
  effects = thing: {
    restartUnits = units "myapp.service" "Units to restart when the ${thing} changes, if they are active or enabled.";
    reloadUnits = units "nginx.service" "Units to reload when the ${thing} changes, if they are active.";
  };

  /** `adopt`: whether to take over what is there already; `things` says what. */
  adopt =
    things:
    mkOption {
      type = types.bool;
      default = false;
      example = true;
      description = "Whether to take over ${things} NixFleet did not create.";
    };
}
