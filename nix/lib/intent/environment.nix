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
        Variables of login shells. A list is written with colons between; `$NAME` in a value is the shell's. They stand in
        `/etc/profile.d/nixfleet.sh`; services have variables of their own.
      '';
    };

    profile.d = mkOption {
      type = types.attrsOf types.lines;
      default = { };
      example = {
        umask = "umask 027";
      };
      description = "Pieces of /etc/profile.d, by name without `.sh`: every login shell reads them, so they are to be for any `sh`.";
    };
  };
}
