# What is frozen into the plan as it is: health checks, hooks, tasks, secrets, and the policies for activation
# and reboots.
{ lib }:
let
  inherit (builtins) unsafeDiscardStringContext;
  inherit (lib) optional optionalAttrs;
  place = import ./place.nix { inherit lib; };
  plain = unsafeDiscardStringContext;

  # By what is given: the kind of a health check, and which other options it has.
  kinds = {
    unit = [ "unit" ];
    url = [
      "url"
      "status"
      "body"
    ];
    port = [ "port" ];
    command = [ "command" ];
  };
  given = check: lib.filter (field: check.${field} != null) (lib.attrNames kinds);
  kindOf = field: { unit = "unit"; url = "http"; port = "tcp"; command = "command"; }.${field};

  healthCheck =
    at: name: check:
    let
      field = lib.head (given check);
      fields = lib.genAttrs (lib.filter (f: check.${f} != null) kinds.${field}) (f: check.${f});
    in
    {
      kind = kindOf field;
      inherit (check)
        from
        startDelay
        interval
        timeout
        retries
        ;
      at = at name;
    }
    // fields
    // optionalAttrs (field == "command") { command = plain check.command; };

  checkProblems =
    at: name: check:
    let
      here = place.of "healthChecks" name (at name);
      fields = given check;
    in
    if lib.length fields != 1 then
      [
        "${here} needs exactly one of unit, url, port and command, but has ${
          if fields == [ ] then "none" else lib.concatStringsSep " and " fields
        }"
      ]
    else
      optional (fields == [ "unit" ] && check.from == "controller") "${here}: only the host can tell whether a unit is active; leave from out"
      ++ optional (fields != [ "url" ] && (check.status != 200 || check.body != null)) "${here}: status and body belong to a check with url";

  armorBegin = "-----BEGIN AGE ENCRYPTED FILE-----";
  armorEnd = "-----END AGE ENCRYPTED FILE-----";

  # Reading fails by itself where a file has bytes that no string of Nix can hold.
  ciphertext =
    here: file:
    let
      text = builtins.addErrorContext "while reading ${here}, which must be what `age --armor` makes:" (
        builtins.readFile file
      );
    in
    if lib.hasPrefix "age-encryption.org/" text then
      throw "${here}: ${toString file} is a binary age file; encrypt it with `age --armor`"
    else if !(lib.hasPrefix armorBegin text && lib.hasSuffix armorEnd (lib.trim text)) then
      throw "${here}: ${toString file} is not an age file; encrypt it with `age --armor` first"
    else
      text;

  secret =
    at: name: secret:
    {
      ciphertext = plain (ciphertext (place.of "secrets" name (at name)) secret.file);
      inherit (secret)
        path
        mode
        owner
        group
        restartUnits
        reloadUnits
        ;
      at = at name;
    };

  command = at: name: value: value // { command = plain value.command; at = at name; };

  noReboot = {
    auto = false;
    windows = [ ];
    deadline = "10m";
    stability = "10s";
  };
in
{
  config,
  options,
  positionsIn,
}:
let
  checksAt = positionsIn options.healthChecks;
  each = lib.mapAttrs;
in
{
  values = {
    healthChecks = each (healthCheck checksAt) config.healthChecks;
    hooks = each (command (positionsIn options.hooks)) config.hooks;
    tasks = each (command (positionsIn options.tasks)) config.tasks;
    secrets = each (secret (positionsIn options.secrets)) config.secrets;
    inherit (config) activation;
    reboot = optionalAttrs (config.reboot != noReboot) config.reboot;
  };

  # What runs on the host brings along what it refers to.
  strings =
    map (task: task.command) (lib.attrValues config.tasks)
    ++ map (hook: hook.command) (lib.filter (hook: hook.on == "host") (lib.attrValues config.hooks))
    ++ map (check: check.command) (
      lib.filter (check: check.from == "host" && check.command != null) (lib.attrValues config.healthChecks)
    );

  problems = lib.concatLists (lib.mapAttrsToList (checkProblems checksAt) config.healthChecks);
}
