# nixfleet.groups: groups of the host.
{ lib }:
let
  inherit (lib) mkOption types;
  access = import ./access.nix { inherit lib; };
  valueTypes = import ./value-types.nix { inherit lib; };

  group = {
    options = {
      gid = mkOption {
        type = types.nullOr valueTypes.accountId;
        default = null;
        example = 991;
        description = "The group id; null lets the host choose a free one.";
      };

      system = mkOption {
        type = types.bool;
        default = false;
        example = true;
        description = "Whether the group belongs to a service and not to people.";
      };

      members = mkOption {
        type = types.listOf valueTypes.accountName;
        default = [ ];
        example = [ "ada" ];
        description = "Users of the fleet that are in the group, as their `extraGroups` could say.";
      };

      adopt = access.adopt "a group that is there already and that";
    };
  };
in
{
  _file = "nixfleet: groups.nix";

  options.nixfleet.groups = mkOption {
    type = types.attrsOf (types.submodule group);
    default = { };
    example = lib.literalExpression "{ deployers.gid = 1500; }";
    description = "Groups of the host. The group that has a user's own name need not be listed.";
  };
}
