# nixfleet.systemd.services: services, by NixOS's option names.
{ lib }:
let
  inherit (lib) mkOption types;
  valueTypes = import ./value-types.nix { inherit lib; };

  script =
    example: description:
    mkOption {
      type = types.lines;
      default = "";
      inherit example description;
    };

  service.options = import ./common.nix { inherit lib; } // {
    serviceConfig = mkOption {
      type = valueTypes.section;
      default = { };
      example = lib.literalExpression ''{ ExecStart = "''${pkgs.myapp}/bin/myapp"; User = "myapp"; Restart = "always"; }'';
      description = "The section `[Service]`, as in systemd.service(5) and systemd.exec(5). A list repeats the setting; null leaves it out.";
    };

    environment = mkOption {
      type = types.attrsOf valueTypes.variable;
      default = { };
      example = {
        LANG = "C.UTF-8";
      };
      description = "Environment variables of the service; null unsets one.";
    };

    path = mkOption {
      type = types.listOf (types.oneOf [ types.package types.str ]);
      default = [ ];
      example = lib.literalExpression "[ pkgs.git ]";
      description = "Packages whose programs come first in the service's PATH.";
    };

    script = script "myapp --port 8080" "The service's main process, as a bash script that stops at the first failing command.";
    scriptArgs = mkOption {
      type = types.singleLineStr;
      default = "";
      example = "%i";
      description = "Arguments of `script`.";
    };
    preStart = script "test -s /etc/myapp.conf" "A script that runs before the main process.";
    postStart = script "until test -S /run/myapp.sock; do sleep 0.1; done" "A script that runs once the main process has started.";
    reload = script "kill -HUP $MAINPID" "A script that makes the service read its configuration again.";
    preStop = script "myapp --drain" "A script that stops the service.";
    postStop = script "rm -f /run/myapp.sock" "A script that runs after the service has stopped or failed to start.";

    restartIfChanged = mkOption {
      type = types.bool;
      default = true;
      example = false;
      description = "Whether a change of the unit restarts the service; otherwise it keeps running unchanged.";
    };

    reloadIfChanged = mkOption {
      type = types.bool;
      default = false;
      example = true;
      description = "Whether a change of the unit reloads the service instead of restarting it.";
    };

    stopIfChanged = mkOption {
      type = types.bool;
      default = true;
      example = false;
      description = "Whether a changed service stops under its old unit, before anything else changes, and starts under the new one; otherwise it restarts in one step.";
    };

    startAt = mkOption {
      type = types.either types.str (types.listOf types.str);
      default = [ ];
      apply = lib.toList;
      example = "Sun 14:00:00";
      description = "When to start the service, as in systemd.time(7). Creates a timer of the same name.";
    };
  };
in
{
  _file = "nixfleet: systemd/services.nix";

  options.nixfleet.systemd.services = mkOption {
    type = types.attrsOf (types.submodule service);
    default = { };
    example = lib.literalExpression ''
      {
        myapp = {
          wantedBy = [ "multi-user.target" ];
          serviceConfig = {
            ExecStart = "''${pkgs.myapp}/bin/myapp";
            User = "myapp";
          };
        };
      }
    '';
    description = "Services, by name without the suffix `.service`.";
  };
}
