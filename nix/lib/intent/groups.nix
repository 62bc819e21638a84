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
        description = "Whether the group belongs to a service rather than to people.";
      };

      members = mkOption {
        type = types.listOf valueTypes.accountName;
        default = [ ];
        example = [ "ada" ];
        description = "Users of the fleet that are in the group, equivalent to their `extraGroups`.";
      };

      adopt = access.adopt "an existing group that";
    };
  };
in
{
  _file = "nixfleet: groups.nix";

  options.nixfleet.groups = mkOption {
    type = types.attrsOf (types.submodule group);
    default = { };
    example = lib.literalExpression "{ deployers.gid = 1500; }";
    description = "Groups of the host. A group with the same name as a user need not be listed.";
  };
}
