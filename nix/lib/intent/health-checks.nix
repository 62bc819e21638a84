# nixfleet.healthChecks: what tells whether a host is well.
{ lib }:
let
  inherit (lib) mkOption types;
  valueTypes = import ./value-types.nix { inherit lib; };
  entries = import ./entries.nix { inherit lib; };

  time =
    type: default: example: description:
    mkOption {
      inherit type default example description;
    };

  check.options = {
    unit = mkOption {
      type = types.nullOr valueTypes.unitName;
      default = null;
      example = "myapp.service";
      description = "Checks that this unit is active. Set exactly one of `unit`, `url`, `port` and `command`.";
    };

    url = mkOption {
      type = types.nullOr (types.strMatching "https?://[^ \t\n]+" // { description = "http or https address"; });
      default = null;
      example = "http://localhost:8080/healthz";
      description = "Fetches this address.";
    };

    status = mkOption {
      type = types.ints.between 100 599;
      default = 200;
      example = 204;
      description = "The HTTP status that `url` must answer with.";
    };

    body = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "\"status\": *\"ok\"";
      description = "A regular expression (RE2) that the response of `url` must match.";
    };

    port = mkOption {
      type = types.nullOr (types.ints.between 1 65535);
      default = null;
      example = 5432;
      description = "Connects to this TCP port.";
    };

    command = mkOption {
      type = types.nullOr valueTypes.command;
      default = null;
      example = "pg_isready -q";
      description = "Runs this command with sh; it must exit with 0.";
    };

    from = mkOption {
      type = types.enum [
        "host"
        "controller"
      ];
      default = "host";
      example = "controller";
      description = "Where the check runs: on the host itself, or on the machine that executes the plan.";
    };

    startDelay = time valueTypes.duration "0s" "10s" "How long to wait after activation before the first attempt.";
    interval = time valueTypes.positiveDuration "2s" "5s" "How long to wait between attempts.";
    timeout = time valueTypes.positiveDuration "5s" "30s" "How long an attempt may take.";

    retries = mkOption {
      type = types.ints.unsigned;
      default = 15;
      example = 60;
      description = "How many times a failed attempt is repeated before the host counts as failed. The default gives a service about half a minute to start.";
    };
  };

  # By the option that says what is asked: the kind of the check, and which other options it has.
  kinds = {
    unit.kind = "unit";
    url = {
      kind = "http";
      further = [
        "status"
        "body"
      ];
    };
    port.kind = "tcp";
    command.kind = "command";
  };
  given = check: lib.filter (field: check.${field} != null) (lib.attrNames kinds);

  frozen =
    _: check:
    let
      field = lib.head (given check);
    in
    {
      inherit (kinds.${field}) kind;
      inherit (check)
        from
        startDelay
        interval
        timeout
        retries
        ;
    }
    // lib.genAttrs ([ field ] ++ kinds.${field}.further or [ ]) (f: check.${f})
    // lib.optionalAttrs (field == "command") {
      command = builtins.unsafeDiscardStringContext check.command;
    };

  problems =
    here: check:
    let
      fields = given check;
    in
    if lib.length fields != 1 then
      [
        "${here} needs exactly one of unit, url, port and command, but has ${
          if fields == [ ] then "none" else lib.concatStringsSep " and " fields
        }"
      ]
    else
      lib.optional (
        fields == [ "unit" ] && check.from == "controller"
      ) "${here}: only the host can tell whether a unit is active; leave from out"
      ++ lib.optional (
        fields != [ "url" ] && (check.status != 200 || check.body != null)
      ) "${here}: status and body belong to a check with url";
in
{
  _file = "nixfleet: health-checks.nix";

  options.nixfleet.healthChecks = mkOption {
    type = types.attrsOf (types.submodule check);
    default = { };
    example = lib.literalExpression ''{ web.url = "http://localhost:8080/healthz"; }'';
    description = "Health checks to run after a change, by name. A host with a failing check has failed.";
  };

  freeze =
    args@{ config, ... }:
    let
      checks = entries.frozen args "healthChecks" frozen;
    in
    checks
    // {
      strings = map (check: check.command) (
        lib.filter (check: check.from == "host" && check.command != null) (lib.attrValues config.healthChecks)
      );
      problems =
        checks.problems
        ++ lib.concatLists (
          lib.mapAttrsToList (name: problems (entries.place args "healthChecks" name)) config.healthChecks
        );
    };
}
