# Types made of other types: null or, either, converted, checked, only once.
{ lib }:
let
  inherit (builtins)
    all
    head
    tail
    ;
  inherit (lib) mergeOneOption showOption;
  inherit (lib.types)
    _mergeLike
    defaultFunctor
    mkOptionType
    optionDescriptionPhrase
    ;
in
rec {
  /**
    A type with one more check. As in nixpkgs, an option whose type has submodules loses it: such a type is made anew
    for each option, of the modules alone.
  */
  addCheck =
    elemType: check:
    elemType
    // {
      check = x: elemType.check x && check x;
    };

  /** null, or a value of the type; null defined beside another value is an error. */
  nullOr =
    elemType:
    mkOptionType {
      name = "nullOr";
      description = "null or ${
        optionDescriptionPhrase (class: class == "noun" || class == "conjunction") elemType
      }";
      descriptionClass = "conjunction";
      check = x: x == null || elemType.check x;
      merge = _mergeLike [ elemType ] (
        loc: defs:
        let
          nulls = builtins.filter (def: def.value == null) defs;
        in
        if nulls == [ ] then
          elemType.merge loc defs
        else if builtins.length nulls == builtins.length defs then
          null
        else
          throw "The option `${showOption loc}' is defined both null and not null, in ${lib.showFiles (lib.getFiles defs)}."
      );
      emptyValue.value = null;
      inherit (elemType) getSubOptions getSubModules;
      substSubModules = m: nullOr (elemType.substSubModules m);
      functor = lib.types._elemTypeFunctor "nullOr" { inherit elemType; };
      nestedTypes = { inherit elemType; };
    };

  /** A value of the first type or of the second. */
  either =
    t1: t2:
    mkOptionType {
      name = "either";
      description =
        if t1.descriptionClass or null == "nonRestrictiveClause" then
          "${t1.description}, or ${optionDescriptionPhrase (c: c == "noun" || c == "conjunction") t2}"
        else
          "${optionDescriptionPhrase (c: c == "noun" || c == "conjunction") t1} or ${
            optionDescriptionPhrase (
              c: c == "noun" || c == "conjunction" || c == "composite"
            ) t2
          }";
      descriptionClass = "conjunction";
      check = x: t1.check x || t2.check x;
      merge = _mergeLike [ t1 t2 ] (
        loc: defs:
        let
          values = map (def: def.value) defs;
        in
        if all t1.check values then
          t1.merge loc defs
        else if all t2.check values then
          t2.merge loc defs
        else
          mergeOneOption loc defs
      );
      typeMerge =
        f':
        let
          mt1 = t1.typeMerge (head f'.payload.elemType).functor;
          mt2 = t2.typeMerge (builtins.elemAt f'.payload.elemType 1).functor;
        in
        if f'.name == "either" && mt1 != null && mt2 != null then either mt1 mt2 else null;
      functor = defaultFunctor "either" // {
        payload.elemType = [
          t1
          t2
        ];
        wrapped = null;
      };
      nestedTypes = {
        left = t1;
        right = t2;
      };
    };

  /** A value of any of the types of a list. */
  oneOf =
    ts:
    if ts == [ ] then
      throw "types.oneOf needs to get at least one type in its argument"
    else
      lib.foldl' either (head ts) (tail ts);

  /** A value of the second type, or of the first, which a function then converts. */
  coercedTo =
    coercedType: coerceFunc: finalType:
    if coercedType.getSubModules != null then
      throw "coercedTo: coercedType must not have submodules (it’s a ${coercedType.description})"
    else
      mkOptionType {
        name = "coercedTo";
        description = "${optionDescriptionPhrase (class: class == "noun") finalType} or ${
          optionDescriptionPhrase (class: class == "noun") coercedType
        } convertible to it";
        check =
          x: (coercedType.check x && finalType.check (coerceFunc x)) || finalType.check x;
        merge =
          loc: defs:
          let
            coerce = v: if coercedType.check v then coerceFunc v else v;
          in
          finalType.merge loc (map (def: def // { value = coerce def.value; }) defs);
        inherit (finalType)
          emptyValue
          getSubOptions
          getSubModules
          ;
        substSubModules = m: coercedTo coercedType coerceFunc (finalType.substSubModules m);
        typeMerge = _: null;
        functor = defaultFunctor "coercedTo" // {
          wrapped = finalType;
        };
        nestedTypes = {
          inherit coercedType finalType;
        };
      };

  /** A value that may be defined only once. */
  uniq = unique { message = ""; };

  /** A value that may be defined only once, with a message that says why. */
  unique =
    { message }:
    type:
    mkOptionType {
      name = "unique";
      inherit (type) description descriptionClass check;
      merge = _mergeLike [ type ] (
        lib.mergeUniqueOption {
          inherit message;
          inherit (type) merge;
        }
      );
      inherit (type)
        emptyValue
        getSubOptions
        getSubModules
        ;
      substSubModules = m: unique { inherit message; } (type.substSubModules m);
      # The message of the declaration that comes last stays.
      functor = lib.types._elemTypeFunctor "unique" { elemType = type; } // {
        type = payload: unique { inherit message; } payload.elemType;
      };
      nestedTypes.elemType = type;
    };
}
