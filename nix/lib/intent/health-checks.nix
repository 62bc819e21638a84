# nixfleet.healthChecks: what tells whether a host is well.
{ lib }:
let
  inherit (lib) mkOption types;
  valueTypes = import ./value-types.nix { inherit lib; };

  time =
    default: example: description:
    mkOption {
      type = valueTypes.duration;
      inherit default example description;
    };

  check.options = {
    unit = mkOption {
      type = types.nullOr valueTypes.unitName;
      default = null;
      example = "myapp.service";
      description = "Asks whether this unit is active. One of `unit`, `url`, `port` and `command` is to be given.";
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
      description = "The HTTP status that `url` has to answer with.";
    };

    body = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "\"status\": *\"ok\"";
      description = "A regular expression (RE2) that the answer of `url` has to match.";
    };

    port = mkOption {
      type = types.nullOr types.port;
      default = null;
      example = 5432;
      description = "Connects to this TCP port.";
    };

    command = mkOption {
      type = types.nullOr types.lines;
      default = null;
      example = "pg_isready -q";
      description = "Runs this command with sh, which has to exit with 0.";
    };

    from = mkOption {
      type = types.enum [
        "host"
        "controller"
      ];
      default = "host";
      example = "controller";
      description = "Where the question is asked: on the host itself, or on the machine that executes the plan.";
    };

    startDelay = time "0s" "10s" "How long to wait after activation before the first question.";
    interval = time "2s" "5s" "How long to wait before a question is asked again.";
    timeout = time "5s" "30s" "How long an answer may take.";

    retries = mkOption {
      type = types.ints.unsigned;
      default = 5;
      example = 30;
      description = "How often a question that failed is asked again before the host counts as failed.";
    };
  };
in
{
  _file = "nixfleet: health-checks.nix";

  options.nixfleet.healthChecks = mkOption {
    type = types.attrsOf (types.submodule check);
    default = { };
    example = lib.literalExpression ''{ web.url = "http://localhost:8080/healthz"; }'';
    description = "Questions that are asked after a change, by name; a host that gives a wrong answer has failed.";
  };
}
