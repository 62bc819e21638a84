# nixfleet.users: accounts of the host.
{ lib }:
let
  inherit (lib) mkOption types;
  access = import ./access.nix { inherit lib; };
  valueTypes = import ./value-types.nix { inherit lib; };

  keys =
    description:
    mkOption {
      type = types.listOf types.singleLineStr;
      default = [ ];
      example = [ "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBx1lJxQ4aS2mF3v7rJ8yZ5oZkXq9U0hTn1gC6vWb4dK ada@laptop" ];
      inherit description;
    };

  user = {
    options = {
      uid = mkOption {
        type = types.nullOr valueTypes.accountId;
        default = null;
        example = 991;
        description = "The user id; null lets the host choose a free one.";
      };

      system = mkOption {
        type = types.bool;
        default = false;
        example = true;
        description = "Whether the account belongs to a service and not to a person.";
      };

      group = mkOption {
        type = types.nullOr valueTypes.accountName;
        default = null;
        example = "myapp";
        description = ''
          The user's main group; by default the one of the user's own name. A group of the user's own name is declared
          by that; any other is to be in `nixfleet.groups` or on the host already.
        '';
      };

      extraGroups = mkOption {
        type = types.listOf valueTypes.accountName;
        default = [ ];
        example = [ "adm" ];
        description = "Groups that the user is in as well.";
      };

      home = mkOption {
        type = types.nullOr types.path;
        default = null;
        example = "/var/lib/myapp";
        description = "The home directory; null leaves it to the host.";
      };

      createHome = mkOption {
        type = types.bool;
        default = false;
        example = true;
        description = "Whether the home directory is made when the user is.";
      };

      shell = mkOption {
        type = types.nullOr types.path;
        default = null;
        example = "/bin/bash";
        description = "The login shell; null means none for a system account and the host's default for others.";
      };

      keys = keys "Public keys that may log in as this user by SSH. They stand in `.ssh/authorized_keys` of the home directory, which is to be given.";

      openssh.authorizedKeys = {
        keys = keys "The same as `keys`, by NixOS's name.";

        keyFiles = mkOption {
          type = types.listOf types.path;
          default = [ ];
          example = lib.literalExpression "[ ./ada.pub ]";
          description = "Files of the fleet with such keys, one a line.";
        };
      };

      description = mkOption {
        type = types.strMatching "[^:\n]*";
        default = "";
        example = "The application";
        description = "The full name or the purpose, without colons.";
      };

      adopt = access.adopt "an account that is there already and that";
    };
  };
in
{
  _file = "nixfleet: users.nix";

  options.nixfleet.users = mkOption {
    type = types.attrsOf (types.submodule user);
    default = { };
    # The default is the name, which a set of plain options cannot know.
    apply = builtins.mapAttrs (
      name: user: if user.group == null then user // { group = name; } else user
    );
    example = lib.literalExpression ''{ myapp = { system = true; uid = 991; home = "/var/lib/myapp"; }; }'';
    description = "Accounts of the host. What is not listed is not touched.";
  };
}
