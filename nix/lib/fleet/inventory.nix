/*
  From all that declares hosts (the inventory file, the flake) to the list of hosts with their fields.

  A source is `{ file; value; isNix; }`: where it stands, what an inventory says (name, timeZone, defaults, groups, hosts,
  rollout), and whether it is written in Nix. What is wrong is given as data: see problems.nix.
*/
{ lib }:
let
  inherit (builtins)
    attrNames
    concatMap
    isList
    isString
    mapAttrs
    ;
  layers = import ./layers.nix { inherit lib; };
  fields = import ./fields.nix { inherit lib; };
  problems = import ./problems.nix { inherit lib; };
  sections = import ./sections.nix { inherit lib; };
  policies = import ./policies.nix { inherit lib; };

  intentFields = {
    osUpdates = null;
    rollout = null;
  };
  # Groups are looked at before there is a typed host; of the others, only what the host itself evaluates is left.
  checkedFields = removeAttrs fields.host.options [
    "groups"
    "modules"
    "vars"
  ];
  baseline = lib.evalModules { modules = [ fields.host ]; };
  known = attrNames (fields.host.options // intentFields);

  isHostName =
    name: builtins.match "[A-Za-z0-9][A-Za-z0-9._-]*" name != null && builtins.stringLength name <= 253;
  namesIn = value: if isList value then lib.filter isString value else [ ];

  # How a field is written where it is missing.
  written =
    layer: field: value:
    if layer.isNix then
      "${field} = \"${value}\";"
    else if lib.hasSuffix ".json" layer.file then
      "\"${field}\": \"${value}\""
    else if lib.hasSuffix ".jsonnet" layer.file then
      "${field}: '${value}'"
    else
      "${field}: ${value}";
in
{
  /** All that declares hosts. */
  sources,
  /** The names of the roles that the fleet has. */
  roleNames,
}:
let
  fleet = import ./fleet-fields.nix { inherit lib; } sources;

  # What is wrong with a layer is found once, however many hosts have it.
  withFaults =
    layer:
    layer
    // {
      faults =
        problems.unknownFields known layer
        ++ strangers "group" groupNames layer "groups"
        ++ strangers "role" roleNames layer "roles";
    };
  strangers =
    what: names: layer: field:
    map (problems.unknown what names layer field) (
      lib.subtractLists ([ "all" ] ++ names) (namesIn (layer.value.${field} or [ ]))
    );

  defaults = map (source: withFaults (sections.whole "defaults" source)) (sections.having "defaults" sources);
  groups = mapAttrs (_: map withFaults) (sections.entries "groups" sources);
  groupLayers = lib.concatLists (lib.attrValues groups);
  groupNames = lib.filter (name: name != "all") (attrNames groups);
  hosts = mapAttrs mkHost (sections.entries "hosts" sources);
  declared = policies.ofFleet { inherit sources groups defaults; };

  mkHost =
    name: entries:
    let
      own = withFaults (lib.head entries);
      where = "host ${lib.strings.escapeNixString name} (${own.file})";
      listed = lib.unique (concatMap (layer: namesIn (layer.value.groups or [ ])) (defaults ++ [ own ]));
      hostGroups = lib.filter (group: group != "all" && groups ? ${group}) listed;

      # Every piece of the inventory that says something of the host, the nearest last.
      pieces = lib.filter (piece: piece.layer.value != { }) (
        map (layer: {
          inherit layer;
          value = layers.apply layers.defaults layer.value;
        }) defaults
        ++ lib.concatLists (
          lib.imap0 (
            n: group:
            map (layer: {
              inherit layer;
              value = layers.apply (layers.group n) layer.value;
            }) (groups.${group} or [ ])
          ) ([ "all" ] ++ hostGroups)
        )
        ++ [
          {
            layer = own;
            inherit (own) value;
          }
        ]
      );
      typed = baseline.extendModules {
        prefix = [
          "hosts"
          name
        ];
        modules = map (piece: {
          _file = piece.layer.label;
          config = builtins.intersectAttrs fields.host.options piece.value;
        }) pieces;
      };
      missing =
        field: what: value:
        lib.optional (typed.config.${field} == null) (
          problems.at own [ field ] {
            code = "host-no-${if field == "addr" then "address" else field}";
            message = "host ${lib.strings.escapeNixString name} has no ${what}";
            hint = "write `${written own field value}' there, in its groups or in defaults";
          }
        );
      required =
        field: what: if typed.config.${field} == null then throw "${where} has no ${what}" else typed.config.${field};

      # What is wrong with the form, which all else would only repeat.
      malformed =
        lib.optional (lib.length entries > 1) (
          problems.at (lib.elemAt entries 1) [ ] {
            code = "host-twice";
            message = "two hosts with one name: ${lib.strings.escapeNixString name} is declared in ${
              lib.concatMapStringsSep " and in " (e: e.file) entries
            }";
          }
        )
        ++ lib.optional (!isHostName name) (
          problems.at own [ ] {
            code = "host-name";
            message = "${lib.strings.escapeNixString name} is not the name of a host: letters, digits, '-', '.' and '_', at most 253 characters";
          }
        )
        ++ own.malformed;
      unfit = problems.ofValues {
        inherit typed;
        layers = map (piece: piece.layer) pieces;
        fields = checkedFields;
      };
      all =
        concatMap (piece: piece.layer.faults) pieces
        ++ policies.ofHost own
        ++ (
          if unfit != [ ] then
            unfit
          else
            missing "base" "base (ubuntu, debian or nixos)" "ubuntu" ++ missing "addr" "address" "10.0.1.11"
        );
    in
    {
      inherit name where;
      inherit (own) file;
      problems = map (p: p // { host = name; }) (if malformed != [ ] then malformed else all);
      groups = hostGroups;
      fields = typed.config // {
        base = required "base" "base (ubuntu, debian or nixos)";
        addr = required "addr" "address";
      };
      # What belongs to the intent, as modules for it.
      intent = map (piece: {
        _file = piece.layer.label;
        config.nixfleet = builtins.intersectAttrs (
          if lib.head piece.layer.path == "hosts" then intentFields else { osUpdates = null; }
        ) piece.value;
      }) (lib.filter (piece: piece.value ? osUpdates || piece.value ? rollout) pieces);
    };
in
{
  inherit (fleet) name timeZone;
  inherit (declared) rollout rollouts groupRollouts;
  inherit hosts groupNames;

  /** What is wrong with the fleet as a whole. */
  problems =
    fleet.problems
    ++ concatMap (section: sections.problems section sources) [
      "groups"
      "hosts"
      "rollouts"
    ]
    ++ declared.problems
    ++ concatMap (layer: layer.malformed) (defaults ++ groupLayers)
    ++ map (
      layer:
      problems.at layer [ "groups" ] {
        code = "inventory-value";
        message = "a group cannot be in groups itself";
        hint = "list both groups at the host";
      }
    ) (lib.filter (layer: layer.value ? groups) groupLayers);

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
