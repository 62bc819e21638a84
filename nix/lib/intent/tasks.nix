# nixfleet.tasks: commands that operators run by name.
{ lib }:
let
  inherit (lib) mkOption types;
  valueTypes = import ./value-types.nix { inherit lib; };
  entries = import ./entries.nix { inherit lib; };
  isVariable = name: builtins.match "[A-Za-z_][A-Za-z0-9_]*" name != null;

  task.options = {
    description = mkOption {
      type = types.singleLineStr;
      default = "";
      example = "Empties the cache";
      description = "What the task does, in one line.";
    };

    command = mkOption {
      type = valueTypes.command;
      example = "myapp cache clear";
      description = "A command for sh.";
    };

    user = mkOption {
      type = valueTypes.accountName;
      default = "root";
      example = "myapp";
      description = "The user that runs it.";
    };

    environment = mkOption {
      type = types.attrsOf types.str;
      default = { };
      example = {
        MODE = "gentle";
      };
      description = "Environment variables of the command.";
    };

    timeout = mkOption {
      type = valueTypes.positiveDuration;
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
    description = "Commands that an operator can run on the host, by name. They are part of the plan, so what runs has been approved.";
  };

  freeze =
    args@{ config, ... }:
    let
      frozen = entries.frozen args "tasks" (
        _: task: task // { command = builtins.unsafeDiscardStringContext task.command; }
      );
    in
    frozen
    // {
      strings = map (task: task.command) (lib.attrValues config.tasks);
      problems =
        frozen.problems
        ++ lib.concatLists (
          lib.mapAttrsToList (
            name: task:
            map (
              variable:
              "${entries.place args "tasks" name}: the variable ${lib.strings.escapeNixString variable} needs a name of letters, digits and underscores"
            ) (lib.filter (variable: !isVariable variable) (lib.attrNames task.environment))
          ) config.tasks
        );
    };
}
