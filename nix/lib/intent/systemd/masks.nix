# nixfleet.systemd.masks: units that shall not start.
{ lib }:
let
  valueTypes = import ../value-types.nix { inherit lib; };
in
{
  _file = "nixfleet: systemd/masks.nix";

  options.nixfleet.systemd.masks = lib.mkOption {
    type = lib.types.listOf valueTypes.unitName;
    default = [ ];
    example = [ "apt-daily.timer" ];
    description = "Units of the operating system that nothing may start.";
  };
}
