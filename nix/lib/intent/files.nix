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
          description = "The content of the file. Set exactly one of `text`, `source` and `symlink`.";
        };

        source = mkOption {
          type = types.nullOr types.path;
          default = null;
          example = lib.literalExpression "./nginx.conf";
          description = "The file to take the content from: a file of the fleet, or one in a package.";
        };

        symlink = mkOption {
          type = types.nullOr types.nonEmptyStr;
          default = null;
          example = "/usr/share/zoneinfo/UTC";
          description = "Makes it a symbolic link with this target instead of a file. Mode and owner then have no effect.";
        };

        validate = mkOption {
          type = types.nullOr (types.addCheck types.singleLineStr (command: lib.trim command != ""));
          default = null;
          example = "visudo -cf %s";
          description = ''
            A command for sh that must accept the file before anything on the host changes; `%s` is the path of the new
            file.
          '';
        };

        adopt = access.adopt "a file that is there already and that" // {
          description = ''
            Whether to take over an existing file that NixFleet did not create. The original is kept, and comes back when
            the fleet no longer declares this file.
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
    description = "Files of the host, by absolute path. Files that are not listed are not touched; files that are no longer listed are removed.";
  };
}
