# nixfleet.directories: directories of the host, by absolute path.
{ lib }:
let
  inherit (lib) mkOption types;
  valueTypes = import ./value-types.nix { inherit lib; };

  directory = {
    options = {
      mode = mkOption {
        type = valueTypes.mode;
        default = "0755";
        apply = valueTypes.fourDigits;
        example = "0750";
        description = "The mode of the directory, in octal digits.";
      };

      owner = mkOption {
        type = valueTypes.accountName;
        default = "root";
        example = "myapp";
        description = "The user who owns the directory.";
      };

      group = mkOption {
        type = valueTypes.accountName;
        default = "root";
        example = "myapp";
        description = "The group of the directory.";
      };

      adopt = mkOption {
        type = types.bool;
        default = false;
        example = true;
        description = "Whether to take over a directory that is there already and that NixFleet did not make.";
      };
    };
  };
in
{
  _file = "nixfleet: directories.nix";

  options.nixfleet.directories = mkOption {
    type = types.attrsOf (types.submodule directory);
    default = { };
    example = lib.literalExpression ''{ "/var/lib/myapp" = { owner = "myapp"; group = "myapp"; mode = "0750"; }; }'';
    description = ''
      Directories of the host, by absolute path. The directories that managed files need above them are made without
      being listed here; list one to say its mode and owner. What is inside a directory belongs to the service.
    '';
  };
}
