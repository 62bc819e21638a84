# The section [Service] of a structured service: its settings, its environment, and its scripts as programs in the store.
{ lib }:
let
  inherit (lib) optional optionalAttrs;
  tree = import ../../pkgs/tree.nix;
  sections = import ./unit-sections.nix { inherit lib; };

  # Where the host's own programs are; systemd's default for services.
  ownPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

  # A program of a script. It is made without nixpkgs, so that a plan does not depend on having one.
  program =
    service: job: text:
    let
      name = lib.strings.sanitizeDerivationName "${lib.replaceStrings [ "@" ] [ "_" ] service}-${job}";
      file = tree.file {
        name = "unit-script-${name}";
        path = "bin/${name}";
        text = "#!/bin/bash\nset -e\n\n${text}";
        executable = true;
      };
    in
    "${file}/bin/${name}";

  variables =
    u:
    u.environment
    // optionalAttrs (u.path != [ ]) {
      PATH = "${lib.makeBinPath u.path}:${lib.makeSearchPathOutput "bin" "sbin" u.path}:${
        if u.environment.PATH or null == null then ownPath else toString u.environment.PATH
      }";
    };

  # As NixOS quotes them: the JSON of "NAME=value".
  environment =
    u:
    lib.mapAttrsToList (name: v: builtins.toJSON "${name}=${if builtins.isPath v then "${v}" else toString v}") (
      lib.filterAttrs (_: v: v != null) (variables u)
    );

  scripts =
    name: u:
    let
      job = suffix: text: optional (text != "") (program name suffix text);
      one = setting: jobs: optionalAttrs (jobs != [ ]) { ${setting} = lib.head jobs; };
      several = setting: jobs: optionalAttrs (jobs != [ ]) { ${setting} = jobs; };
      start = map (p: if u.scriptArgs == "" then p else "${p} ${u.scriptArgs}") (job "start" u.script);
    in
    one "ExecStart" start
    // several "ExecStartPre" (job "pre-start" u.preStart)
    // several "ExecStartPost" (job "post-start" u.postStart)
    // one "ExecReload" (job "reload" u.reload)
    // one "ExecStop" (job "pre-stop" u.preStop)
    // one "ExecStopPost" (job "post-stop" u.postStop);
in
/** `name` is without suffix, `here` names the service in messages. */
here: name: u:
sections.beside here "serviceConfig" [ "Environment" "ExecStartPre" "ExecStartPost" ] (
  scripts name u
  // optionalAttrs (u.environment != { } || u.path != [ ]) { Environment = environment u; }
  # What the compiler goes by when it decides how a change reaches the running service.
  // optionalAttrs (!u.restartIfChanged) { X-RestartIfChanged = false; }
  // optionalAttrs u.reloadIfChanged { X-ReloadIfChanged = true; }
  // optionalAttrs (!u.stopIfChanged) { X-StopIfChanged = false; }
) u.serviceConfig
