# nixfleet.systemd.paths: what starts services when files change.
{ lib }:
let
  inherit (lib) mkOption types;
  valueTypes = import ./value-types.nix { inherit lib; };

  path.options = import ./common.nix { inherit lib; } // {
    pathConfig = mkOption {
      type = valueTypes.section;
      default = { };
      example = {
        PathChanged = "/var/spool/inbox";
      };
      description = "The section `[Path]`, as in systemd.path(5). Without `Unit` it starts the service of the same name.";
    };
  };
in
{
  _file = "nixfleet: systemd/paths.nix";

  options.nixfleet.systemd.paths = mkOption {
    type = types.attrsOf (types.submodule path);
    default = { };
    example = lib.literalExpression ''{ inbox = { wantedBy = [ "paths.target" ]; pathConfig.PathChanged = "/var/spool/inbox"; }; }'';
    description = "Paths to watch, by unit name without the suffix `.path`.";
  };
}
