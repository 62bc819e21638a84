# nixfleet.systemd.tmpfiles: files and directories that come, go and age by rules, by NixOS's option names.
{ lib }:
let
  inherit (lib) mkOption types;
  field =
    default: example: description:
    mkOption {
      type = types.str;
      inherit default example description;
    };

  entry.options = {
    mode = field "-" "0755" "The mode of what is made; `-` is the type's default.";
    user = field "-" "myapp" "The user who owns it; `-` is root.";
    group = field "-" "myapp" "The group of it; `-` is root.";
    age = field "-" "10d" "When what is in it is old enough to be removed; `-` is never.";
    argument = field "" "/run/myapp" "What the type takes beyond that, such as the target of a link.";
  };
in
{
  _file = "nixfleet: tmpfiles.nix";

  options.nixfleet.systemd.tmpfiles = {
    rules = mkOption {
      type = types.listOf types.singleLineStr;
      default = [ ];
      example = [ "d /run/myapp 0755 myapp myapp 10d" ];
      description = ''
        Lines of tmpfiles.d(5). They apply when they change and at each boot, before the fleet's services start. Removing a
        rule does not remove what it created.
      '';
    };

    settings = mkOption {
      type = types.attrsOf (types.attrsOf (types.attrsOf (types.submodule entry)));
      default = { };
      example = lib.literalExpression ''{ "10-myapp"."/var/cache/myapp".d = { user = "myapp"; mode = "0750"; age = "10d"; }; }'';
      description = "The same as values: the file in /etc/tmpfiles.d without `.conf`, the path, the type of the line.";
    };
  };
}
