/*
  From the definitions of one option to its value: conditions, priorities, order, type.

  Definitions are `{ file; value; }`. Most options have exactly one, without any property around it; `_mergeSingle` is for
  those and does only what is needed then.
*/
{ lib }:
let
  inherit (builtins)
    addErrorContext
    all
    any
    concatMap
    filter
    head
    isAttrs
    map
    ;
  inherit (lib)
    dischargeProperties
    filterOverrides'
    mkOptionDefault
    showDefs
    showOption
    sortProperties
    ;

  wrongType =
    loc: type: defs:
    throw "A definition for option `${showOption loc}' is not of type `${type.description}'. Definition values:${
      showDefs (filter (def: !type.check def.value) defs)
    }";

  # Whether a value is wrapped into a property, of which there may be more than one.
  isProperty = value: isAttrs value && value ? _type && _isPropertyType value._type;

  _isPropertyType = type: propertyTypes ? ${type};

  propertyTypes = {
    "if" = null;
    merge = null;
    override = null;
    order = null;
    definition = null;
  };

  withDefault =
    node: defs:
    if node.hasDefault then
      [
        {
          file = head node.option.declarations;
          value = mkOptionDefault node.option.default;
        }
      ]
      ++ defs
    else
      defs;
in
{
  _isProperty = isProperty;

  /** Merges the definitions of one option: `{ isDefined, mergedValue, optionalValue, defsFinal, defsFinal' }`. */
  mergeDefinitions =
    loc: type: defs:
    let
      discharged = concatMap (
        def:
        map (
          value:
          if value._type or "" == "definition" then
            value
          else
            {
              inherit (def) file;
              inherit value;
            }
        ) (addErrorContext "while evaluating a definition from `${toString def.file}':" (dischargeProperties def.value))
      ) defs;
      strongest = filterOverrides' discharged;
      needsOrder = any (def: def.value._type or "" == "order") strongest.values;
      defsFinal = if needsOrder then sortProperties strongest.values else strongest.values;
    in
    rec {
      inherit defsFinal;
      defsFinal' = {
        values = defsFinal;
        inherit (strongest) highestPrio;
      };
      isDefined = defsFinal != [ ];
      mergedValue =
        if isDefined then
          if all (def: type.check def.value) defsFinal then
            type.merge loc defsFinal
          else
            wrongType loc type defsFinal
        else
          type.emptyValue.value
            or (throw "The option `${showOption loc}' was accessed but has no value defined. Try setting the option.");
      optionalValue = if isDefined then { value = mergedValue; } else { };
    };

  /** Merges one definition that has no properties. */
  _mergeSingle =
    loc: type: def:
    if type.check def.value then type.merge loc [ def ] else wrongType loc type [ def ];

  /** The value of a leaf of the option tree, given its definitions. */
  _leafValue =
    loc: node: defs:
    let
      defined = lib._leafDefinitions loc node defs;
      single = defs != [ ] && builtins.tail defs == [ ];
      value =
        if node.problem != null then
          throw (node.problem loc)
        else if single && !node.readOnly && !isProperty (head defs).value then
          lib._mergeSingle loc node.type (head defs)
        else
          defined.mergedValue;
    in
    if node.problem != null || node.apply == null then value else node.apply value;

  /** `mergeDefinitions` for a leaf of the option tree: with its default, and with the rule of read-only options. */
  _leafDefinitions =
    loc: node: defs:
    let
      defs' = withDefault node defs;
    in
    if node.readOnly && builtins.length defs' > 1 then
      throw "The option `${showOption loc}' is read-only, but it's set multiple times. Definition values:${
        showDefs (
          # Without properties, as people know their values.
          map (
            def: def // { value = (lib.mergeDefinitions loc node.type [ def ]).mergedValue; }
          ) defs'
        )
      }"
    else
      lib.mergeDefinitions loc node.type defs';

  /** An option and its definitions to the option with its value, as nixpkgs' function of this name does. */
  evalOptionValue =
    loc: opt: defs:
    let
      node = {
        option = opt;
        inherit (opt) type;
        hasDefault = opt ? default;
        readOnly = opt.readOnly or false;
        apply = opt.apply or null;
        problem = null;
      };
    in
    lib._describeLeaf loc node defs (lib._leafValue loc node defs);

  /** What `options.<path>` shows of a leaf. */
  _describeLeaf =
    loc: node: defs: value:
    let
      res = lib._leafDefinitions loc node defs;
      final = res.defsFinal;
    in
    if node.problem != null then
      throw (node.problem loc)
    else
      node.option
      // {
        inherit loc value;
        inherit (res.defsFinal') highestPrio;
        inherit (res) isDefined;
        definitions = map (def: def.value) final;
        files = map (def: def.file) final;
        definitionsWithLocations = final;
        # nixpkgs tells here what merging found out about nested values.
        valueMeta =
          if lib.types._isPlain node.type then { } else lib._beyond "options.${showOption loc}.valueMeta";
        __toString = _: showOption loc;
      };
}
