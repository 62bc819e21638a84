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
      description = "Variables of the service's processes; null leaves one out.";
    };

    path = mkOption {
      type = types.listOf (types.oneOf [ types.package types.str ]);
      default = [ ];
      example = lib.literalExpression "[ pkgs.git ]";
      description = "Packages whose programs the service finds before those of the operating system.";
    };

    script = script "myapp --port 8080" "The service's main process, as a script for bash that ends with the first command that fails.";
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
      description = "Whether a change of the unit restarts the service; otherwise it goes on as it was.";
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
      description = "Whether a changed service stops as it was, before anything else changes, and starts as it is to be; otherwise it is restarted in one go.";
    };

    startAt = mkOption {
      type = types.either types.str (types.listOf types.str);
      default = [ ];
      apply = lib.toList;
      example = "Sun 14:00:00";
      description = "When the service is started, as in systemd.time(7): makes a timer of the same name.";
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
