# What a definition may be wrapped in: conditions, unions, priorities and order.
{ lib }:
let
  inherit (builtins)
    concatMap
    foldl'
    isAttrs
    isBool
    mapAttrs
    sort
    ;

  defaultOverridePriority = 100;
  defaultOrderPriority = 1000;

  # What is no set stays as it is; whoever wants a set complains, with the file.
  onNames = f: cfg: if isAttrs cfg then mapAttrs (_: f) cfg else cfg;
in
rec {
  inherit defaultOverridePriority defaultOrderPriority;

  /** A definition that counts only if the condition holds. The condition is not looked at before someone needs a value. */
  mkIf = condition: content: {
    _type = "if";
    inherit condition content;
  };

  /** Several definitions as one. */
  mkMerge = contents: {
    _type = "merge";
    inherit contents;
  };

  /** A definition with a priority: the lowest number wins, 100 is an ordinary definition. */
  mkOverride = priority: content: {
    _type = "override";
    inherit priority content;
  };

  /** The priority of an option's own default. */
  mkOptionDefault = mkOverride 1500;

  /** A definition that any ordinary one replaces. */
  mkDefault = mkOverride 1000;

  /** A definition for images, between an ordinary one and mkForce. */
  mkImageMediaOverride = mkOverride 60;

  /** A definition that replaces ordinary ones. */
  mkForce = mkOverride 50;

  /** A definition for virtual machines, stronger than mkForce. */
  mkVMOverride = mkOverride 10;

  /** A definition with a place among others of a list or of lines: lower numbers first, 1000 is ordinary. */
  mkOrder = priority: content: {
    _type = "order";
    inherit priority content;
  };

  /** A definition that comes before ordinary ones. */
  mkBefore = mkOrder 500;

  /** A definition that comes after ordinary ones. */
  mkAfter = mkOrder 1500;

  /** A definition that throws the message unless the assertion holds. */
  mkAssert =
    assertion: message: content:
    mkIf (if assertion then true else throw "\nFailed assertion: ${message}") content;

  /** A definition that names its own file: `mkDefinition { file = "x"; value = 1; }`. */
  mkDefinition = args@{ file, value, ... }: args // { _type = "definition"; };

  /** Takes conditions and unions off a value: the list of values that remain. */
  dischargeProperties =
    def:
    if !(def ? _type) then
      [ def ]
    else if def._type == "merge" then
      concatMap dischargeProperties def.contents
    else if def._type == "if" then
      if isBool def.condition then
        if def.condition then dischargeProperties def.content else [ ]
      else
        throw "‘mkIf’ called with a non-Boolean condition"
    else
      [ def ];

  /** Moves conditions, unions and priorities around a set to its attributes: a list of plain sets. */
  pushDownProperties =
    cfg:
    if !(cfg ? _type) then
      [ cfg ]
    else if cfg._type == "merge" then
      concatMap pushDownProperties cfg.contents
    else if cfg._type == "if" then
      map (onNames (mkIf cfg.condition)) (pushDownProperties cfg.content)
    else if cfg._type == "override" then
      map (onNames (mkOverride cfg.priority)) (pushDownProperties cfg.content)
    else
      [ cfg ];

  /** The definitions of the strongest priority, unwrapped, and that priority. */
  filterOverrides' =
    defs:
    let
      priorityOf =
        def: if def.value._type or "" == "override" then def.value.priority else defaultOverridePriority;
      # Beyond 9999 a definition counts only if it is alone.
      highestPrio =
        if builtins.length defs == 1 then
          priorityOf (builtins.head defs)
        else
          foldl' (prio: def: lib.min (priorityOf def) prio) 9999 defs;
      unwrap =
        def: if def.value._type or "" == "override" then def // { value = def.value.content; } else def;
    in
    {
      values = concatMap (def: if priorityOf def == highestPrio then [ (unwrap def) ] else [ ]) defs;
      inherit highestPrio;
    };

  /** The definitions of the strongest priority, unwrapped. */
  filterOverrides = defs: (filterOverrides' defs).values;

  /** The priority and the value of each attribute of a set-valued option, given `options.<path>` of it. */
  mergeAttrDefinitionsWithPrio =
    opt:
    mapAttrs (
      name: defs:
      let
        merged = lib.mergeDefinitions (opt.loc ++ [ name ]) opt.type.nestedTypes.elemType defs;
      in
      {
        inherit (merged.defsFinal') highestPrio;
        value = merged.mergedValue;
      }
    ) (
      lib.zipAttrs (
        concatMap (
          def:
          map (mapAttrs (_: value: {
            inherit (def) file;
            inherit value;
          })) (pushDownProperties def.value)
        ) opt.definitionsWithLocations
      )
    );

  /** The definitions in the order that mkOrder asks for, unwrapped. */
  sortProperties =
    defs:
    let
      unwrap =
        def:
        if def.value._type or "" == "order" then
          def
          // {
            value = def.value.content;
            inherit (def.value) priority;
          }
        else
          def;
      before = a: b: a.priority or defaultOrderPriority < b.priority or defaultOrderPriority;
    in
    sort before (map unwrap defs);
}
