# nixfleet.systemd.targets: names for several units.
{ lib }:
let
  inherit (lib) mkOption types;
in
{
  _file = "nixfleet: systemd/targets.nix";

  options.nixfleet.systemd.targets = mkOption {
    type = types.attrsOf (types.submodule { options = import ./common.nix { inherit lib; }; });
    default = { };
    example = lib.literalExpression ''{ shop = { wantedBy = [ "multi-user.target" ]; wants = [ "web.service" "db.service" ]; }; }'';
    description = "Targets, by name without the suffix `.target`.";
  };
}
