# nixfleet.systemd.timers: what starts services at times.
{ lib }:
let
  inherit (lib) mkOption types;
  valueTypes = import ./value-types.nix { inherit lib; };

  timer.options = import ./common.nix { inherit lib; } // {
    timerConfig = mkOption {
      type = valueTypes.section;
      default = { };
      example = {
        OnCalendar = "daily";
        Persistent = true;
      };
      description = "The section `[Timer]`, as in systemd.timer(5). Without `Unit` it starts the service of the same name.";
    };
  };
in
{
  _file = "nixfleet: systemd/timers.nix";

  options.nixfleet.systemd.timers = mkOption {
    type = types.attrsOf (types.submodule timer);
    default = { };
    example = lib.literalExpression ''{ backup = { wantedBy = [ "timers.target" ]; timerConfig.OnCalendar = "daily"; }; }'';
    description = "Timers, by name without the suffix `.timer`.";
  };
}
