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
        description = "Whether the account belongs to a service rather than to a person.";
      };

      group = mkOption {
        type = types.nullOr valueTypes.accountName;
        default = null;
        example = "myapp";
        description = ''
          The user's primary group, by default a group with the user's name, which is then declared implicitly. Any other group
          must be in `nixfleet.groups` or exist on the host.
        '';
      };

      extraGroups = mkOption {
        type = types.listOf valueTypes.accountName;
        default = [ ];
        example = [ "adm" ];
        description = "Additional groups of the user.";
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
        description = "Whether to create the home directory with the user.";
      };

      shell = mkOption {
        type = types.nullOr types.path;
        default = null;
        example = "/bin/bash";
        description = "The login shell; null means none for a system account and the host's default for others.";
      };

      keys = keys "SSH public keys that may log in as this user. They are written to `.ssh/authorized_keys` in `home`, which must be set.";

      openssh.authorizedKeys = {
        keys = keys "The same as `keys`, under NixOS's name.";

        keyFiles = mkOption {
          type = types.listOf types.path;
          default = [ ];
          example = lib.literalExpression "[ ./ada.pub ]";
          description = "Files of the fleet with public keys, one per line.";
        };
      };

      description = mkOption {
        type = types.strMatching "[^:\n]*";
        default = "";
        example = "The application";
        description = "The full name or the purpose, without colons.";
      };

      adopt = access.adopt "an existing account that";
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
    description = "Accounts of the host. Accounts that are not listed are not touched.";
  };
}
