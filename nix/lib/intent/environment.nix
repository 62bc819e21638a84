# nixfleet.environment and nixfleet.profile: what login shells find.
{ lib }:
let
  inherit (lib) mkOption types;
  atom = types.oneOf [ types.int types.str types.path ];
in
{
  _file = "nixfleet: environment.nix";

  options.nixfleet = {
    environment.variables = mkOption {
      type = types.attrsOf (types.nullOr (types.either (types.listOf atom) atom));
      default = { };
      example = {
        EDITOR = "vim";
        PATH = [
          "$PATH"
          "/opt/myapp/bin"
        ];
      };
      description = ''
        Environment variables of login shells, in `/etc/profile.d/nixfleet.sh`. Lists are joined with colons; the shell
        expands `$NAME` in a value. Services have their own variables.
      '';
    };

    profile.d = mkOption {
      type = types.attrsOf types.lines;
      default = { };
      example = {
        umask = "umask 027";
      };
      description = "Files of /etc/profile.d, by name without `.sh`. Every login shell reads them, so write them for any `sh`.";
    };
  };
}
