# nixfleet.tasks: commands that operators run by name.
{ lib }:
let
  inherit (lib) mkOption types;
  valueTypes = import ./value-types.nix { inherit lib; };

  task.options = {
    description = mkOption {
      type = types.singleLineStr;
      default = "";
      example = "Empties the cache";
      description = "What it does, in one line.";
    };

    command = mkOption {
      type = types.lines;
      example = "myapp cache clear";
      description = "A command for sh.";
    };

    user = mkOption {
      type = valueTypes.accountName;
      default = "root";
      example = "myapp";
      description = "Whom it runs as.";
    };

    environment = mkOption {
      type = types.attrsOf types.str;
      default = { };
      example = {
        MODE = "gentle";
      };
      description = "Variables of the command.";
    };

    timeout = mkOption {
      type = valueTypes.duration;
      default = "10m";
      example = "1h";
      description = "How long it may take.";
    };
  };
in
{
  _file = "nixfleet: tasks.nix";

  options.nixfleet.tasks = mkOption {
    type = types.attrsOf (types.submodule task);
    default = { };
    example = lib.literalExpression ''{ clear-cache = { description = "Empties the cache"; command = "myapp cache clear"; user = "myapp"; }; }'';
    description = "Commands that an operator runs on the host, by name. They are part of the plan, so what runs is what was approved.";
  };
}
