# nixfleet.systemd.units: unit files as text, and drop-ins.
{ lib }:
let
  inherit (lib) mkOption types;
  access = import ../access.nix { inherit lib; };

  unit = {
    options = {
      text = mkOption {
        type = types.nullOr types.lines;
        default = null;
        example = lib.literalExpression ''
          '''
            [Service]
            ExecStart=''${pkgs.myapp}/bin/myapp

            [Install]
            WantedBy=multi-user.target
          '''
        '';
        description = "The unit file; null if there are only drop-ins, for a unit that NixFleet does not manage.";
      };

      enabled = mkOption {
        type = types.nullOr types.bool;
        default = null;
        example = false;
        description = "Whether the unit is enabled, as its `[Install]` section says, and started; null means yes if it has such a section.";
      };

      onChange = mkOption {
        type = types.nullOr (
          types.enum [
            "stop-start"
            "restart"
            "reload"
            "keep"
          ]
        );
        default = null;
        example = "reload";
        description = ''
          What a change of the unit does to it while it runs: `stop-start` stops it under its old text, before anything else
          changes, and starts it under the new one; `restart` and `reload` come after everything else; `keep` leaves it alone.
          With null, its type and settings decide, such as `restartIfChanged` for services.
        '';
      };

      dropIns = mkOption {
        type = types.attrsOf types.lines;
        default = { };
        example = lib.literalExpression ''{ limits = '''
          [Service]
          MemoryMax=1G
        '''; }'';
        description = "Drop-ins for the unit, by name without `.conf`. The unit can be one of the operating system's; it restarts when a drop-in changes.";
      };

      adopt = access.adopt "existing files of this name in /etc/systemd/system that";
    };
  };
in
{
  _file = "nixfleet: systemd/units.nix";

  options.nixfleet.systemd.units = mkOption {
    type = types.attrsOf (types.submodule unit);
    default = { };
    example = lib.literalExpression ''{ "myapp.service".text = builtins.readFile ./myapp.service; }'';
    description = "Units of the host, by name with suffix. A unit restarts when its text changes.";
  };
}
