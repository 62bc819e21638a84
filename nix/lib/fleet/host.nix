/*
  One host's intent: its modules, evaluated, as the record that the compiler freezes.

  Strings lose their contexts here; what they referred to is in the closure.
*/
{ lib }:
let
  inherit (builtins)
    isPath
    mapAttrs
    unsafeDiscardStringContext
    ;
  position = import ./position.nix;
  backends = {
    ubuntu = import ../backends/ubuntu { inherit lib; };
    debian = backends.ubuntu;
    nixos = import ../backends/nixos { inherit lib; };
  };

  # All intent options, prepared once for all hosts.
  intent = lib.evalModules {
    modules = import ../intent { inherit lib; };
    class = "nixfleet";
  };

  # Paths of the fleet become store paths of their own.
  sourcePath = source: if source == null then null else if isPath source then "${source}" else toString source;
  plain = s: if s == null then null else unsafeDiscardStringContext s;

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

  lower = import ../backends/lowering { inherit lib; };

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

  # A file of the intent, if it says in exactly one way what its content is.
  checkContent =
    host: path: at: file:
    let
      given = lib.filter (field: file.${field} != null) [
        "text"
        "source"
        "symlink"
      ];
      here = "host ${lib.strings.escapeNixString host}: nixfleet.files.${lib.strings.escapeNixString path}${
        lib.optionalString (at != "") " (${at})"
      }";
    in
    if lib.length given != 1 then
      throw "${here} needs exactly one of text, source and symlink, but has ${
        if given == [ ] then "none" else lib.concatStringsSep " and " given
      }"
    else if
      file.source != null && !lib.hasPrefix "${builtins.storeDir}/" (sourcePath file.source)
    then
      throw "${here}: the source ${toString file.source} is not in the Nix store; write it as a path of the fleet, such as ./file"
    else
      file;

  userGroups =
    users: groups: positions:
    lib.concatMapAttrs (
      name: user:
      lib.optionalAttrs (user.group == name && !(groups ? ${name})) {
        ${name} = {
          gid = null;
          inherit (user) system adopt;
          at = positions name;
        };
      }
    ) users;
in
{
  /**
    Evaluates a host: `host` is one of the inventory, `modules` are all that make its intent, `specialArgs` what they
    get. The result is the host's part of the compiler's JSON, and its warnings.
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
      config = failedAssertions host.name evaluation.config lowered.problems evaluation.config;
      cfg = config.nixfleet;
      lowered = lower {
        config = evaluation.config.nixfleet;
        options = evaluation.options.nixfleet;
        inherit positionsIn;
        sshPort = fields.port;
      };
      opts = evaluation.options.nixfleet;
      inherit (host) fields;

      files = mapAttrs (
        path: file:
        let
          checked = checkContent host.name path file.at file;
        in
        file
        // {
          text = plain checked.text;
          symlink = plain checked.symlink;
          source = plain (sourcePath checked.source);
        }
      ) lowered.files;
      userPositions = positionsIn opts.users;
      withAt = option: mapAttrs (name: value: value // { at = positionsIn option name; });

      compiled = backends.${fields.base}.compile {
        inherit (cfg) packages;
        # With their references still.
        strings =
          lib.concatMap (
            file:
            [
              file.text
              (sourcePath file.source)
              file.symlink
            ]
          ) (lib.attrValues lowered.files)
          ++ map (unit: unit.text) (lib.attrValues lowered.units)
          ++ lowered.strings;
      };
    in
    {
      warnings = config.warnings ++ lowered.warnings;

      result = {
        inherit (fields)
          base
          system
          roles
          tags
          ;
        inherit (host) groups;
        connection = {
          inherit (fields)
            addr
            port
            user
            hostKeys
            proxyJump
            ;
        };
        inherit (cfg) rollout osUpdates;
        inherit (compiled) closure;
        packages = lib.attrNames (lib.genAttrs (map (pkg: plain "${pkg}") cfg.packages) (_: null));
        inherit files;
        inherit (lowered) directories;
        units = mapAttrs (_: unit: unit // { text = plain unit.text; }) lowered.units;
        users = mapAttrs (
          _: user: user // {
            home = if user.home == null then null else plain (toString user.home);
            shell = if user.shell == null then null else plain (toString user.shell);
          }
        ) (withAt opts.users lowered.users);
        accountGroups =
          userGroups cfg.users cfg.groups userPositions
          // withAt opts.groups lowered.groups;
      }
      // lowered.policies;
    };
}
