# nixfleet.systemd.mounts and automounts: file systems.
{ lib }:
let
  inherit (lib) mkOption types;
  valueTypes = import ./value-types.nix { inherit lib; };
  common = import ./common.nix { inherit lib; };

  where = mkOption {
    type = types.strMatching "/[ -~]*" // {
      description = "absolute path in ASCII";
    };
    example = "/srv/data";
    description = "The mount point. The unit's name follows from it, as systemd requires.";
  };

  mount.options = common // {
    inherit where;

    what = mkOption {
      type = types.nonEmptyStr;
      example = "/dev/disk/by-label/data";
      description = "What to mount: a device, a file, or whatever the file system type accepts.";
    };

    type = mkOption {
      type = types.str;
      default = "";
      example = "ext4";
      description = "The type of the file system.";
    };

    options = mkOption {
      type = types.commas;
      default = "";
      example = "noatime";
      description = "Mount options, separated by commas.";
    };

    mountConfig = mkOption {
      type = valueTypes.section;
      default = { };
      example = {
        DirectoryMode = "0755";
      };
      description = "Further settings of the section `[Mount]`, as in systemd.mount(5).";
    };
  };

  automount.options = common // {
    inherit where;

    automountConfig = mkOption {
      type = valueTypes.section;
      default = { };
      example = {
        TimeoutIdleSec = 300;
      };
      description = "Further settings of the section `[Automount]`, as in systemd.automount(5).";
    };
  };
in
{
  _file = "nixfleet: systemd/mounts.nix";

  options.nixfleet.systemd = {
    mounts = mkOption {
      type = types.listOf (types.submodule mount);
      default = [ ];
      example = lib.literalExpression ''[ { what = "/dev/disk/by-label/data"; where = "/srv/data"; wantedBy = [ "local-fs.target" ]; } ]'';
      description = "File systems to mount. A list, because the units' names follow from `where`.";
    };

    automounts = mkOption {
      type = types.listOf (types.submodule automount);
      default = [ ];
      example = lib.literalExpression ''[ { where = "/srv/data"; wantedBy = [ "local-fs.target" ]; } ]'';
      description = "File systems to mount on first access, each with a mount of the same `where`.";
    };
  };
}
