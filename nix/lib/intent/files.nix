# nixfleet.files: files of the host, by absolute path.
{ lib }:
let
  inherit (lib) mkOption types;
  access = import ./access.nix { inherit lib; };

  file = {
    options =
      access.ownership "file" {
        mode = "0644";
        example = "0640";
      }
      // access.effects "file"
      // {
        text = mkOption {
          type = types.nullOr types.lines;
          default = null;
          example = "port = 8080\n";
          description = "The content of the file. One of `text`, `source` and `symlink` is to be given.";
        };

        source = mkOption {
          type = types.nullOr types.path;
          default = null;
          example = lib.literalExpression "./nginx.conf";
          description = "The file whose content it gets: one of the fleet's own files, or one in a package.";
        };

        symlink = mkOption {
          type = types.nullOr types.nonEmptyStr;
          default = null;
          example = "/usr/share/zoneinfo/UTC";
          description = "Makes it a symbolic link with this target instead of a file. Its mode and owner mean nothing then.";
        };

        validate = mkOption {
          type = types.nullOr (types.addCheck types.singleLineStr (command: lib.trim command != ""));
          default = null;
          example = "visudo -cf %s";
          description = ''
            A command for sh that must accept the file before anything on the host changes; `%s` in it is the path of the
            file as it is to be.
          '';
        };

        adopt = access.adopt "a file that is there already and that" // {
          description = ''
            Whether to take over a file that is there already and that NixFleet did not make. The original is kept, and
            comes back when the fleet no longer has this file.
          '';
        };
      };
  };
in
{
  _file = "nixfleet: files.nix";

  options.nixfleet.files = mkOption {
    type = types.attrsOf (types.submodule file);
    default = { };
    example = lib.literalExpression ''
      {
        "/etc/myapp/config.json" = {
          text = builtins.toJSON { port = 8080; };
          mode = "0640";
          group = "myapp";
          restartUnits = [ "myapp.service" ];
        };
      }
    '';
    description = "Files of the host, by absolute path. What is not listed is not touched; what is no longer listed is removed.";
  };
}
