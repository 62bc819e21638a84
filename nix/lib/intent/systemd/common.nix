# The options that structured units of every kind have, by NixOS's names.
{ lib }:
let
  inherit (lib) mkOption types;
  access = import ../access.nix { inherit lib; };
  valueTypes = import ./value-types.nix { inherit lib; };

  units =
    example: description:
    mkOption {
      type = types.listOf valueTypes.dependency;
      default = [ ];
      inherit example description;
    };
in
{
  enable = mkOption {
    type = types.bool;
    default = true;
    example = false;
    description = ''
      Whether there is such a unit. With false it is masked: nothing can start it, not even where the operating system
      has one of that name. A unit that is there does not start by that; see `wantedBy`.
    '';
  };

  description = mkOption {
    type = types.singleLineStr;
    default = "";
    example = "The web service";
    description = "What the unit is, in a few words.";
  };

  documentation = mkOption {
    type = types.listOf types.nonEmptyStr;
    default = [ ];
    example = [ "https://example.org/manual" ];
    description = "Where one reads about it, as addresses.";
  };

  requires = units [ "postgresql.service" ] "Units that are started with this one, which stops when one of them does or fails to start.";
  wants = units [ "network-online.target" ] "Units that are started with this one, whose failure does not matter.";
  upholds = units [ "worker.service" ] "Units that are started again whenever they are down while this one runs.";
  requisite = units [ "vpn.service" ] "Units that must run already for this one to start.";
  bindsTo = units [ "dev-sda.device" ] "Like `requires`, and this one stops whenever one of them goes away.";
  partOf = units [ "web.target" ] "Units whose stop or restart this one takes part in.";
  conflicts = units [ "apache2.service" ] "Units that stop when this one starts, and the other way round.";
  after = units [ "network-online.target" ] "Units that this one starts after, where both start.";
  before = units [ "nginx.service" ] "Units that this one starts before, where both start.";
  onFailure = units [ "notify@%n.service" ] "Units that are started when this one fails.";
  onSuccess = units [ "cleanup.service" ] "Units that are started when this one ends well.";
  wantedBy = units [ "multi-user.target" ] "Units that want this one: the unit is enabled, and starts with them.";
  requiredBy = units [ "web.target" ] "Units that require this one: the unit is enabled, starts with them, and they fail without it.";
  upheldBy = units [ "web.service" ] "Units that uphold this one: the unit is enabled, and started again while they run.";
  aliases = units [ "httpd.service" ] "Other names of the unit, of the same kind.";

  startLimitBurst = mkOption {
    type = types.nullOr types.int;
    default = null;
    example = 3;
    description = "How many starts within `startLimitIntervalSec` are too many.";
  };

  startLimitIntervalSec = mkOption {
    type = types.nullOr types.int;
    default = null;
    example = 30;
    description = "The seconds in which `startLimitBurst` starts are too many.";
  };

  unitConfig = mkOption {
    type = valueTypes.section;
    default = { };
    example = {
      ConditionPathExists = "/etc/myapp/enabled";
    };
    description = "Further settings of the section `[Unit]`, as in systemd.unit(5). A list repeats the setting; null leaves it out.";
  };

  restartTriggers = mkOption {
    type = types.listOf valueTypes.trigger;
    default = [ ];
    example = lib.literalExpression "[ config.nixfleet.files.\"/etc/myapp.conf\".text ]";
    description = "Values whose change is a change of the unit, so that it restarts.";
  };

  reloadTriggers = mkOption {
    type = types.listOf valueTypes.trigger;
    default = [ ];
    example = lib.literalExpression "[ (builtins.readFile ./upstreams.conf) ]";
    description = "Values whose change reloads the unit. They stand on the host in `/etc/nixfleet/triggers`.";
  };

  overrideStrategy = mkOption {
    type = types.enum [
      "asDropinIfExists"
      "asDropin"
    ];
    default = "asDropinIfExists";
    example = "asDropin";
    description = ''
      `asDropin` adds to a unit that the operating system has: what is said here becomes its drop-in `overrides.conf`.
      Otherwise this is the whole unit. The compiler does not look at hosts, so it cannot know which units exist there.
    '';
  };

  adopt = access.adopt "a file of this name in /etc/systemd/system that";
}
