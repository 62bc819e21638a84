# nixfleet.systemd.slices: shares of the host's resources.
{ lib }:
let
  inherit (lib) mkOption types;
  valueTypes = import ./value-types.nix { inherit lib; };

  slice.options = import ./common.nix { inherit lib; } // {
    sliceConfig = mkOption {
      type = valueTypes.section;
      default = { };
      example = {
        MemoryMax = "2G";
      };
      description = "The section `[Slice]`, as in systemd.resource-control(5).";
    };
  };
in
{
  _file = "nixfleet: systemd/slices.nix";

  options.nixfleet.systemd.slices = mkOption {
    type = types.attrsOf (types.submodule slice);
    default = { };
    example = lib.literalExpression ''{ batch.sliceConfig.CPUWeight = 20; }'';
    description = "Slices, by name without the suffix `.slice`.";
  };
}
