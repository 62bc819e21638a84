/*
  From all that declares hosts (the inventory file, the flake) to the list of hosts with their fields.

  A source is `{ file; value; isNix; }`: where it stands, what an inventory says (name, timeZone, defaults, groups, hosts,
  rollout), and whether it is written in Nix.
*/
{ lib }:
let
  inherit (builtins)
    attrNames
    concatMap
    isAttrs
    isList
    mapAttrs
    typeOf
    ;
  position = import ./position.nix;
  layers = import ./layers.nix { inherit lib; };
  roles = import ./roles.nix { inherit lib; };
  fields = import ./fields.nix { inherit lib; };

  # YAML makes null of "web:" with nothing behind it.
  fieldsOf =
    what: file: value:
    if value == null then
      { }
    else if isAttrs value then
      value
    else
      throw "${what} in ${file} must be a set of fields, not a ${typeOf value}";

  # `hosts`, `groups`: all entries of one name, with where they stand.
  entriesOf =
    section: sources:
    lib.zipAttrsWith (_: entries: entries) (
      map (
        source:
        let
          entries = fieldsOf section source.file (source.value.${section} or { });
        in
        mapAttrs (name: value: {
          # Only what stands in Nix has a position of its own.
          file = if source.isNix then position.fileOf source.file name entries else source.file;
          value = fieldsOf "${section}.${name}" source.file value;
        }) entries
      ) sources
    );

  # Groups are needed to know which layers a host has, so they are read before there is a typed host.
  groupsOf =
    file: value:
    let
      groups = value.groups or [ ];
    in
    if isList groups && lib.all builtins.isString groups then
      groups
    else
      throw "groups in ${file} must be a list of names, not ${lib.generators.toPretty { multiline = false; } groups}";

  intentFields = [
    "osUpdates"
    "rollout"
  ];
  baseline = lib.evalModules { modules = [ fields.host ]; };
in
sources:
let
  fleet =
    (lib.evalModules {
      modules = [
        fields.fleet
      ]
      ++ map (source: {
        _file = source.file;
        config = removeAttrs source.value [
          "defaults"
          "groups"
          "hosts"
        ];
      }) sources;
    }).config;

  defaults = map (source: {
    file = source.file;
    value = fieldsOf "defaults" source.file (source.value.defaults or { });
  }) sources;

  groups = entriesOf "groups" sources;
  groupNames = lib.filter (name: name != "all") (attrNames groups);
  groupLayers = mapAttrs (
    name:
    map (
      entry:
      if entry.value ? groups then
        throw "group ${lib.strings.escapeNixString name} in ${entry.file} cannot be in groups itself; list both groups at the host"
      else
        {
          file = "${entry.file}, group ${name}";
          inherit (entry) value;
        }
    )
  ) groups;

  hosts = mapAttrs mkHost (entriesOf "hosts" sources);

  mkHost =
    name: entries:
    let
      own = lib.head entries;
      where = "host ${lib.strings.escapeNixString name} (${own.file})";
      listed = lib.unique (
        concatMap (d: groupsOf d.file d.value) defaults ++ groupsOf "${where}" own.value
      );
      hostGroups = lib.filter (group: group != "all") listed;
      known =
        group:
        if groups ? ${group} then group else roles.unknown "group" where group groupNames;
      layerOf =
        layer:
        map (source: {
          inherit (source) file;
          value = layers.apply layer source.value;
        });
      definitions =
        layerOf layers.defaults defaults
        ++ lib.concatLists (
          lib.imap0 (n: group: layerOf (layers.group n) (groupLayers.${group} or [ ])) (
            [ "all" ] ++ map known hostGroups
          )
        )
        ++ [ own ];
      relevant = lib.filter (d: d.value != { }) definitions;
      typed = baseline.extendModules {
        prefix = [
          "hosts"
          name
        ];
        modules = map (d: {
          _file = d.file;
          config = removeAttrs d.value intentFields;
        }) relevant;
      };
      required =
        field: what:
        if typed.config.${field} == null then
          throw "${where} has no ${what}: give it one with `${field} = …` there, in its groups or in defaults"
        else
          typed.config.${field};
    in
    if lib.length entries > 1 then
      throw "two hosts with one name: ${lib.strings.escapeNixString name} is declared in ${
        lib.concatMapStringsSep " and in " (e: e.file) entries
      }"
    else if builtins.match "[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?" name == null then
      throw "${where}: a host name is made of letters, digits, dots and hyphens"
    else
      {
        inherit name;
        inherit (own) file;
        groups = map known hostGroups;
        inherit where;
        fields = typed.config // {
          base = required "base" "base (ubuntu, debian or nixos)";
          addr = required "addr" "address";
        };
        # What belongs to the intent, as modules for it.
        intent = map (d: {
          _file = d.file;
          config.nixfleet = builtins.intersectAttrs {
            osUpdates = null;
            rollout = null;
          } d.value;
        }) (lib.filter (d: d.value ? osUpdates || d.value ? rollout) relevant);
      };
in
{
  inherit (fleet) name timeZone rollout;
  inherit hosts groupNames;

  /** The names of the members of each group, of all hosts. */
  members =
    lib.genAttrs groupNames (_: [ ])
    // lib.zipAttrsWith (_: names: names) (
      map (name: lib.genAttrs hosts.${name}.groups (_: name)) (attrNames hosts)
    )
    // {
      all = attrNames hosts;
    };
}
