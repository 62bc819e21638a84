/*
  The rollout policies of a fleet: its own, others by name that can stand in for it, and those of groups.

  What they come to (waves, limits, budgets) is the compiler's; here their fields are typed, and nothing is merged but what
  several sources say of one policy.
*/
{ lib }:
let
  inherit (builtins)
    attrNames
    attrValues
    concatMap
    isAttrs
    mapAttrs
    ;
  position = import ./position.nix;
  problems = import ./problems.nix { inherit lib; };
  sections = import ./sections.nix { inherit lib; };
  fields = import ../intent/rollout-fields.nix { inherit lib; };

  # A policy within a layer, as a layer.
  inside = layer: rec {
    inherit (layer) file isNix label;
    path = layer.path ++ [ "rollout" ];
    at = position.of "rollout" layer.value;
    given = layer.value.rollout;
    value = if isAttrs given then given else { };
    malformed = lib.optional (given != null && !isAttrs given) (
      problems.at (layer // { inherit path at; }) [ ] {
        code = "inventory-value";
        message = "rollout is ${problems.shown given}: expected the fields of a rollout policy";
      }
    );
  };

  # A field that stands where it means nothing.
  misplaced =
    options: layer:
    map
      (
        field:
        problems.at layer [ field ] {
          code = "inventory-unknown-field";
          message = "${field} cannot stand here";
          hint =
            if field == "gate" then
              "it is about the whole fleet: write it in the fleet's rollout"
            else if field == "after" then
              "it is about a group: write it as groups.web.rollout.after"
            else
              "it is about several hosts: write it in the rollout of the fleet, or of a group";
        }
      )
      (
        lib.filter (field: !(options ? ${field}) && (fields.fleet ? ${field} || fields.group ? ${field})) (
          attrNames layer.value
        )
      );

  # One policy that several layers may declare.
  policy =
    options: layers:
    let
      typed = lib.evalModules {
        modules = [
          { inherit options; }
        ]
        ++ map (layer: {
          _file = layer.label;
          config = builtins.intersectAttrs options layer.value;
        }) layers;
      };
      elsewhere = attrNames (fields.fleet // fields.group);
      found =
        concatMap (layer: layer.malformed) layers
        ++ concatMap (misplaced options) layers
        ++ concatMap (
          layer:
          map (p: p // { hint = problems.nearest "fields" (lib.last p.path) (attrNames options); }) (
            problems.unknownFields elsewhere layer
          )
        ) layers
        ++ problems.ofValues {
          inherit typed layers;
          fields = options;
        };
      # Where something is wrong, what it would be otherwise: nobody makes a plan of it.
      config = if found == [ ] then typed.config else (lib.evalModules { modules = [ { inherit options; } ]; }).config;
      places = layer: mapAttrs (field: _: position.of field layer.value) layer.value;
    in
    {
      problems = found;
      value = config // {
        at = lib.filterAttrs (_: place: place != "") (
          lib.mergeAttrsList (map places (lib.filter (layer: layer.isNix) layers))
        );
      };
    };

  valuesOf = mapAttrs (_: p: p.value);
  problemsOf = all: concatMap (p: p.problems) (attrValues all);
in
{
  /** The problems of what a host itself says. */
  ofHost = own: if own.value ? rollout then (policy fields.host [ (inside own) ]).problems else [ ];

  /** The policies of the fleet, `groups` being its groups as layers, with what is wrong. */
  ofFleet =
    {
      sources,
      groups,
      defaults,
    }:
    let
      own = policy fields.fleet (
        map (
          source:
          inside {
            inherit (source) file isNix value;
            label = source.file;
            path = [ ];
          }
        ) (sections.having "rollout" sources)
      );
      named = mapAttrs (_: policy fields.fleet) (sections.entries "rollouts" sources);
      ofGroups = mapAttrs (_: layers: policy fields.group (map inside layers)) (
        lib.filterAttrs (_: layers: layers != [ ]) (
          mapAttrs (_: lib.filter (layer: layer.value ? rollout)) groups
        )
      );
    in
    {
      rollout = own.value;
      rollouts = valuesOf named;
      groupRollouts = valuesOf ofGroups;
      problems =
        own.problems
        ++ problemsOf named
        ++ problemsOf ofGroups
        ++ map (
          layer:
          problems.at layer [ "rollout" ] {
            code = "inventory-unknown-field";
            message = "rollout cannot stand in defaults";
            hint = "it is about the whole fleet: write it beside defaults, groups and hosts";
          }
        ) (lib.filter (layer: layer.value ? rollout) defaults);
    };
}
