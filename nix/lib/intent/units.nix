# nixfleet.systemd.units: unit files as text.
{ lib }:
let
  inherit (lib) mkOption types;

  unit = {
    options = {
      text = mkOption {
        type = types.lines;
        example = lib.literalExpression ''
          '''
            [Service]
            ExecStart=''${pkgs.myapp}/bin/myapp

            [Install]
            WantedBy=multi-user.target
          '''
        '';
        description = "The unit file, as systemd reads it.";
      };

      enabled = mkOption {
        type = types.bool;
        default = true;
        example = false;
        description = "Whether the unit is enabled, as its `[Install]` section says, and started.";
      };

      adopt = mkOption {
        type = types.bool;
        default = false;
        example = true;
        description = "Whether to take over a file of this name in /etc/systemd/system that NixFleet did not make.";
      };
    };
  };
in
{
  _file = "nixfleet: units.nix";

  options.nixfleet.systemd.units = mkOption {
    type = types.attrsOf (types.submodule unit);
    default = { };
    example = lib.literalExpression ''{ "myapp.service".text = builtins.readFile ./myapp.service; }'';
    description = "Units of the host, by name with suffix. A unit whose text changes is restarted.";
  };
}
