/*
  Files, directories, units and accounts as a manifest has them (see the Go package schema), and what is wrong with
  them. All lists are sorted by name or path.
*/
{ lib }:
let
  inherit (builtins) attrNames mapAttrs unsafeDiscardStringContext;
  inherit (lib) concatMap mapAttrsToList optional;
  inherit (import ../../intent/access.nix { inherit lib; }) sorted;
  valueTypes = import ../../intent/value-types.nix { inherit lib; };
  payload = import ../../fleet/payload.nix;
  place = import ./place.nix { inherit lib; };

  # Paths of the fleet become store paths of their own.
  sourcePath = source: if builtins.isPath source then "${source}" else toString source;

  positions = mapAttrs (_: thing: thing.at);

  # Where the intent does not say: as Debian's useradd does for services, and its adduser for people.
  homeOf =
    name: user:
    if user.home != null then
      unsafeDiscardStringContext (toString user.home)
    else if user.system then
      "/nonexistent"
    else
      "/home/${name}";
  shellOf =
    user:
    if user.shell != null then
      unsafeDiscardStringContext (toString user.shell)
    else if user.system then
      "/usr/sbin/nologin"
    else
      "/bin/bash";

  misnamed =
    type: set: things:
    map (
      name:
      "${place.of set name things.${name}.at}: ${lib.strings.escapeNixString name} is not a ${type.description}"
    ) (lib.filter (name: !type.check name) (attrNames things));
in
{
  files =
    files:
    let
      payloads = mapAttrs (_: file: payload file.text) (lib.filterAttrs (_: file: file.text != null) files);
      frozen = path: file: {
        inherit path;
        inherit (file)
          mode
          owner
          group
          validate
          adopt
          ;
        payload = if file.text == null then null else payloads.${path}.name;
        symlink = if file.symlink == null then null else unsafeDiscardStringContext file.symlink;
        source = if file.source == null then null else unsafeDiscardStringContext (sourcePath file.source);
      };
      problems =
        path: file:
        let
          given = lib.filter (field: file.${field} != null) [
            "text"
            "source"
            "symlink"
          ];
          isOne =
            if file.text != null then
              file.source == null && file.symlink == null
            else
              (file.source == null) != (file.symlink == null);
          here = place.of "files" path file.at;
        in
        if !isOne then
          [
            "${here}: expected exactly one of text, source and symlink, found ${
              if given == [ ] then "none" else lib.concatStringsSep " and " given
            }"
          ]
        else
          optional (
            file.source != null && !lib.hasPrefix "${builtins.storeDir}/" (sourcePath file.source)
          ) "${here}: the source ${toString file.source} is not in the Nix store; write it as a path of the fleet, such as ./file";
    in
    {
      manifest.files = mapAttrsToList frozen files;
      at.files = positions files;
      payloads = lib.attrValues payloads;
      strings = concatMap (file: [
        file.text
        (if file.source == null then null else sourcePath file.source)
        file.symlink
      ]) (lib.attrValues files);
      problems = lib.concatLists (mapAttrsToList problems files);
    };

  directories = directories: {
    manifest.directories = mapAttrsToList (path: directory: removeAttrs directory [ "at" ] // { inherit path; }) directories;
    at.directories = positions directories;
  };

  units =
    units:
    let
      payloads = mapAttrs (_: unit: payload unit.text) units;
    in
    {
      manifest.units = mapAttrsToList (name: unit: {
        inherit name;
        payload = payloads.${name}.name;
        inherit (unit) enabled onChange adopt;
      }) units;
      at."systemd.units" = positions units;
      # Whether these are enabled is for their [Install] section to say.
      byInstall = lib.filter (name: units.${name}.enabled == null) (attrNames units);
      payloads = lib.attrValues payloads;
      strings = mapAttrsToList (_: unit: unit.text) units;
      problems = misnamed valueTypes.unitName "systemd.units" units;
    };

  masks = masks: {
    manifest.masks = attrNames masks;
    at."systemd.masks" = positions masks;
  };

  users = users: {
    manifest.users = mapAttrsToList (
      name: user:
      removeAttrs user [ "at" ]
      // {
        inherit name;
        extraGroups = sorted user.extraGroups;
        home = homeOf name user;
        shell = shellOf user;
      }
    ) users;
    at.users = positions users;
    problems = misnamed valueTypes.accountName "users" users;
  };

  groups = groups: {
    manifest.groups = mapAttrsToList (name: group: removeAttrs group [ "at" ] // { inherit name; }) groups;
    at.groups = positions groups;
    problems = misnamed valueTypes.accountName "groups" groups;
  };

  # Which unit restarts or reloads when what changes. Where a change asks for both, a restart does both.
  restarts =
    files:
    let
      # The paths of files by the units that they name.
      byUnit =
        unitsOf:
        lib.groupBy (rule: rule.unit) (
          concatMap (path: map (unit: { inherit unit path; }) (unitsOf files.${path})) (attrNames files)
        );
      restart = byUnit (file: sorted file.restartUnits);
      reload = byUnit (
        file:
        if file.reloadUnits == [ ] then [ ] else lib.subtractLists file.restartUnits (sorted file.reloadUnits)
      );
      pathsOf = map (rule: rule.path);
    in
    {
      manifest.restarts = map (unit: {
        inherit unit;
        restart = pathsOf restart.${unit} or [ ];
        reload = pathsOf reload.${unit} or [ ];
      }) (attrNames (restart // reload));
    };
}
