# Types of other values: booleans, enumerations, anything at all, types and functions.
{ lib }:
let
  inherit (builtins)
    elem
    head
    isAttrs
    isBool
    isInt
    isString
    length
    tail
    typeOf
    ;
  inherit (lib) mergeEqualOption mergeOneOption showOption;
  inherit (lib.types) _plainMerge mkOptionType;

  mergeEqual = _plainMerge mergeEqualOption;
in
{
  /** Any value, by the rules of `mergeDefaultOption`; what an option without a type has. */
  unspecified = mkOptionType {
    name = "unspecified";
    description = "unspecified value";
    descriptionClass = "noun";
  };

  /** Any value, defined once, not looked at. */
  raw = mkOptionType {
    name = "raw";
    description = "raw value";
    descriptionClass = "noun";
    check = _: true;
    merge = _plainMerge mergeOneOption;
  };

  /** Any value; sets are merged deeply, everything else must be equal. */
  anything = mkOptionType {
    name = "anything";
    description = "anything";
    descriptionClass = "noun";
    check = _: true;
    merge =
      loc: defs:
      let
        typeOfDef =
          def: if isAttrs def.value && lib.isStringLike def.value then "stringCoercibleSet" else typeOf def.value;
        commonType = lib.foldl' (
          type: def:
          if typeOfDef def == type then
            type
          else
            throw "The option `${showOption loc}' has conflicting option types in ${lib.showFiles (lib.getFiles defs)}"
        ) (typeOfDef (head defs)) defs;
        mergeFunction =
          {
            set = (lib.types.attrsOf lib.types.anything).merge;
            stringCoercibleSet = mergeOneOption;
            lambda =
              loc: defs: arg:
              lib.types.anything.merge (loc ++ [ "<function body>" ]) (
                map (def: {
                  inherit (def) file;
                  value = def.value arg;
                }) defs
              );
          }
          .${commonType} or mergeEqualOption;
      in
      mergeFunction loc defs;
  };

  /** true or false. */
  bool = mkOptionType {
    name = "bool";
    description = "boolean";
    descriptionClass = "noun";
    check = isBool;
    merge = mergeEqual;
  };

  /** true if any definition says so. */
  boolByOr = mkOptionType {
    name = "boolByOr";
    description = "boolean (merged using or)";
    descriptionClass = "noun";
    check = isBool;
    merge = _plainMerge (_loc: defs: lib.any (def: def.value) defs);
  };

  /** One of the values of a list. */
  enum =
    values:
    let
      show =
        v:
        if isString v then
          ''"${v}"''
        else if isInt v then
          toString v
        else if isBool v then
          lib.boolToString v
        else
          "<${typeOf v}>";
    in
    mkOptionType {
      name = "enum";
      description =
        if values == [ ] then
          "impossible (empty enum)"
        else if length values == 1 then
          "value ${show (head values)} (singular enum)"
        else
          "one of ${lib.concatMapStringsSep ", " show values}";
      descriptionClass = if length values < 2 then "noun" else "conjunction";
      check = x: elem x values;
      merge = mergeEqual;
      functor = lib.types.defaultFunctor "enum" // {
        payload = { inherit values; };
        type = payload: lib.types.enum payload.values;
        binOp = a: b: { values = lib.unique (a.values ++ b.values); };
      };
    };

  /** A set; several are merged attribute by attribute, later ones win, so that `attrsOf anything` is the better choice. */
  attrs = mkOptionType {
    name = "attrs";
    description = "attribute set";
    check = isAttrs;
    merge = _loc: lib.foldl' (res: def: res // def.value) { };
    emptyValue.value = { };
  };

  /** An option's declaration as the value of an option; several are merged. */
  optionDeclaration = mkOptionType {
    name = "optionDeclaration";
    description = "option declaration";
    descriptionClass = "noun";
    # An option of an evaluation, `options.<path>`, is no declaration any more.
    check = v: lib.isOption v && !(v ? declarations);
    merge =
      loc: defs:
      lib.mergeOptionDecls loc (
        map (def: {
          _file = def.file;
          options = def.value;
        }) defs
      );
  };

  /** A type as the value of an option; several are merged. */
  optionType = mkOptionType {
    name = "optionType";
    description = "optionType";
    descriptionClass = "noun";
    check = value: value._type or null == "option-type";
    merge =
      loc: defs:
      if tail defs == [ ] then
        (head defs).value
      else
        let
          # By way of options, so that files are named if two types do not go together.
          optionModules = map (def: {
            _file = def.file;
            options = lib.mkOption { type = def.value; };
          }) defs;
          mergedOption = lib.mergeOptionDecls loc (
            map (m: {
              inherit (m) _file options;
            }) optionModules
          );
        in
        mergedOption.type;
  };

  /** A function to values of a type; several are merged result by result. */
  functionTo =
    elemType:
    mkOptionType {
      name = "functionTo";
      description = "function that evaluates to a(n) ${
        lib.types.optionDescriptionPhrase (class: class == "noun" || class == "composite") elemType
      }";
      descriptionClass = "composite";
      check = lib.isFunction;
      merge = loc: defs: {
        __functor =
          _: arg:
          (lib.mergeDefinitions (loc ++ [ "<function body>" ]) elemType (
            map (def: {
              inherit (def) file;
              value = def.value arg;
            }) defs
          )).mergedValue;
        __functionArgs =
          let
            all' = map (def: lib.functionArgs def.value) defs;
          in
          lib.foldl' (
            acc: a: acc // builtins.mapAttrs (n: v: v && (acc.${n} or true)) a
          ) { } all';
      };
      getSubOptions = prefix: elemType.getSubOptions (prefix ++ [ "<function body>" ]);
      inherit (elemType) getSubModules;
      substSubModules = m: lib.types.functionTo (elemType.substSubModules m);
      functor = lib.types._elemTypeFunctor "functionTo" { inherit elemType; };
      nestedTypes = { inherit elemType; };
    };
}
