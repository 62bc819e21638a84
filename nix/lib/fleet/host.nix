/*
  One host's intent: its modules, evaluated, as the manifest that the compiler checks and freezes.
*/
{ lib }:
let
  position = import ./position.nix;
  bases = import ../backends { inherit lib; };
  inherit (import ../intent/value-types.nix { inherit lib; }) listOfWindows;

  # All intent options, prepared once for all hosts.
  intent = lib.evalModules {
    inherit (import ../intent { inherit lib; }) modules;
    class = "nixfleet";
  };

  # Where the first definition of each name of an option stands.
  positionsIn =
    option:
    let
      sets = map (d: d.value) option.definitionsWithLocations;
    in
    name:
    let
      set = lib.findFirst (s: s ? ${name}) null sets;
    in
    if set == null then "" else position.of name set;

  failedAssertions =
    name: config: problems:
    let
      failed = lib.filter (a: !a.assertion) config.assertions ++ map (message: { inherit message; }) problems;
    in
    if failed == [ ] then
      x: x
    else
      throw "host ${lib.strings.escapeNixString name}: failed assertions:\n${
        lib.concatMapStringsSep "\n" (a: "- ${a.message}") failed
      }";
in
{
  /**
    Evaluates a host: `host` is one of the inventory, `modules` are all that make its intent, `specialArgs` what they
    get. The result is the host's part of the compiler's JSON; with it come the texts that it names by hash, and warnings.
  */
  evaluate =
    {
      host,
      modules,
      specialArgs,
    }:
    let
      evaluation = intent.extendModules {
        modules = modules ++ host.intent;
        prefix = [
          "hosts"
          host.name
        ];
        inherit specialArgs;
      };
      options = evaluation.options.nixfleet;
      config = failedAssertions host.name evaluation.config (
        lowered.problems ++ bases.unsupported fields.base base options
      ) evaluation.config;
      inherit (host) fields;
      base = bases.of.${fields.base};
      lowered = base.lower {
        config = evaluation.config.nixfleet;
        inherit options positionsIn;
        sshPort = fields.port;
      };
    in
    {
      warnings = config.warnings ++ lowered.warnings;
      inherit (lowered) payloads;

      result = {
        manifest = {
          inherit (fields) base system;
          closure =
            if base.closure == null then
              null
            else
              base.closure {
                inherit (config.nixfleet) packages;
                inherit (lowered) strings;
              };
        }
        // lowered.manifest;
        inherit (lowered) at byInstall;
        inherit (host) groups;
        inherit (fields) roles tags;
        connection = {
          address = fields.addr;
          inherit (fields)
            port
            user
            hostKeys
            proxyJump
            ;
        };
        rebootWindows = listOfWindows config.nixfleet.rollout.rebootWindow;
      };
    };
}
