# nixfleet.directories: directories of the host, by absolute path.
{ lib }:
let
  inherit (lib) mkOption types;
  access = import ./access.nix { inherit lib; };

  directory = {
    options =
      access.ownership "directory" {
        mode = "0755";
        example = "0750";
      }
      // {
        adopt = access.adopt "a directory that is there already and that";
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
      Directories of the host, by absolute path. Parent directories of managed files are created without being listed
      here; list one to set its mode and owner. The content of a directory is not managed.
    '';
  };
}
