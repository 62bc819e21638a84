/*
  What is wrong with an inventory, as data: so that every fault is told, and not the first alone.

  A layer is a piece of an inventory that has fields: `{ file; label; isNix; path; at; value; }`. `path` is its place in the
  inventory (`[ "groups" "web" ]`), `label` its name in messages, `at` its line, which only what stands in Nix knows of itself.
*/
{ lib }:
let
  inherit (builtins)
    attrNames
    deepSeq
    isFunction
    isList
    length
    tryEval
    ;
  position = import ./position.nix;
  # nixpkgs has no name for it.
  inherit (import ../modules/show.nix { lib = import ../prelude; }) _nearby;

  quote = lib.strings.escapeNixString;
  evaluates = value: (tryEval (deepSeq value true)).success;

  # Without the priorities that a layer brings.
  bare =
    value:
    if value._type or "" == "override" then
      bare value.content
    else if builtins.isAttrs value then
      builtins.mapAttrs (_: bare) value
    else
      value;
  pretty = lib.generators.toPretty { multiline = false; };
  shown =
    value:
    if isList value then
      "a list"
    else if isFunction value then
      "a function"
    else
      pretty value;

  listed =
    names:
    let
      most = 20;
    in
    lib.concatStringsSep ", " (lib.take most names)
    + lib.optionalString (length names > most) " and ${toString (length names - most)} more";
in
rec {
  inherit shown;

  /** A problem with a field of a layer; with `[ ]` for the field, with the layer itself. */
  at =
    layer: field:
    {
      code,
      message,
      hint ? "",
      host ? null,
    }:
    let
      place = if field == [ ] || !(builtins.isAttrs layer.value) then "" else position.of (lib.head field) layer.value;
    in
    {
      inherit
        code
        message
        hint
        host
        ;
      path = layer.path ++ field;
      at =
        if !layer.isNix then
          ""
        else if place == "" then
          layer.at
        else
          place;
    };

  /** What to write instead of a name that is not among these. */
  nearest =
    what: name: names:
    let
      near = map quote (_nearby name names);
      meant = if length near < 2 then lib.concatStrings near else "${lib.concatStringsSep ", " (lib.init near)} or ${lib.last near}";
    in
    lib.optionalString (near != [ ]) "did you mean ${meant}? "
    + (if names == [ ] then "the fleet has no ${what}" else "the ${what} are: ${listed names}");

  /** The problem of a name that is not among those that there are. */
  unknown =
    what: names: layer: field: name:
    at layer [ field ] {
      code = "unknown-${what}";
      message = "there is no ${what} ${quote name}";
      hint = nearest "${what}s" name names;
    };

  /** The problems of a layer that has fields which no layer has; `known` are those that there are. */
  unknownFields =
    known: layer:
    map (
      field:
      at layer [ field ] {
        code = "inventory-unknown-field";
        message = "there is no field ${quote field}";
        hint = nearest "fields" field known;
      }
    ) (attrNames (removeAttrs layer.value known));

  /**
    The problems of layers whose fields are typed: values that a field does not take, layers that disagree. `typed` is the
    evaluation of the layers, `fields` a set of those that are looked at.
  */
  ofValues =
    {
      typed,
      layers,
      fields,
    }:
    let
      # What throws by itself says more when it is evaluated.
      spoilt = lib.filter (
        field:
        !(evaluates typed.config.${field}) && lib.all (layer: evaluates (layer.value.${field} or null)) layers
      ) (attrNames fields);
      wrong =
        field:
        let
          option = typed.options.${field};
          definitions = option.definitionsWithLocations;
          fits = d: option.type.check d.value && evaluates (option.type.merge option.loc [ d ]);
          bad = lib.filter (d: !(fits d)) definitions;
          blamed = lib.head (bad ++ definitions);
          layer = lib.findFirst (l: l.label == blamed.file && l.value ? ${field}) (lib.last layers) layers;
        in
        at layer [ field ] {
          code = "inventory-value";
          message =
            if bad == [ ] then
              "${field} has several values: ${
                lib.concatMapStringsSep " and " (d: "${pretty (bare d.value)} in ${d.file}") definitions
              }"
            else
              "${field} is ${pretty (bare blamed.value)}: expected ${lib.removePrefix "null or " option.type.description}";
          hint = lib.optionalString (bad == [ ]) "say it at the host itself, which comes before its groups, or in one of them";
        };
    in
    if evaluates (builtins.intersectAttrs fields typed.config) then [ ] else map wrong spoilt;
}
