# What a type is, and how two declarations of one option agree on one.
{ lib }:
rec {
  /** Whether a value has a `_type` of this name. */
  isType = type: x: x._type or "" == type;

  /** Gives a set a `_type`. */
  setType = typeName: value: value // { _type = typeName; };

  /** Whether a value is an option type. */
  isOptionType = isType "option-type";

  /** The ordinary way in which two types of the same name become one, or null where they cannot. */
  defaultTypeMerge =
    f: f':
    let
      mergedWrapped = f.wrapped.typeMerge f'.wrapped.functor;
      mergedPayload = f.binOp f.payload f'.payload;
    in
    if f.name != f'.name then
      null
    else if f.payload or null != null then
      if f'.payload or null == null || mergedPayload == null then null else f.type mergedPayload
    else if f.wrapped or null != null then
      if f'.wrapped or null == null || mergedWrapped == null then null else f.type mergedWrapped
    else
      f.type;

  /** What `defaultTypeMerge` works on. */
  defaultFunctor = name: {
    inherit name;
    type = lib.types.${name} or null;
    wrapped = null;
    payload = null;
    binOp = _: _: null;
  };

  /**
    Makes a type: `name`; `description`; `check`, whether one definition's value is of it; `merge loc defs`, the value
    of all definitions; the rest as in nixpkgs.
  */
  mkOptionType =
    {
      name,
      description ? null,
      descriptionClass ? null,
      check ? (_: true),
      merge ? lib.mergeDefaultOption,
      emptyValue ? { },
      getSubOptions ? (_: { }),
      getSubModules ? null,
      substSubModules ? (_: null),
      typeMerge ? defaultTypeMerge functor,
      functor ? defaultFunctor name,
      deprecationMessage ? null,
      nestedTypes ? { },
    }:
    {
      _type = "option-type";
      inherit
        name
        check
        merge
        emptyValue
        getSubOptions
        getSubModules
        substSubModules
        typeMerge
        descriptionClass
        deprecationMessage
        nestedTypes
        functor
        ;
      description = if description == null then name else description;
    };

  /** The one type that two types agree on, or a set that says that there is none. */
  mergeTypes =
    a: b:
    assert isOptionType a && isOptionType b;
    let
      merged = a.typeMerge b.functor;
    in
    if merged == null then setType "merge-error" { error = "Cannot merge types"; } else merged;

  /** The description of a type for use inside that of another: in parentheses where it needs them. */
  optionDescriptionPhrase =
    unparenthesize: t:
    if unparenthesize (t.descriptionClass or null) then t.description else "(${t.description})";

  /**
    A merge function that the evaluator knows something about, so that it need not always call it:
      plain      the value of a single definition is that definition's, and looking at the outside of it is enough to
                 check it
      emptyFree  an empty list or set is itself at any path, as there is nothing in it
      pathFree   the path matters for messages only, so a default has the same value wherever the option stands
    A type whose merge function someone replaces loses these with it.
  */
  _knownMerge = known: merge: known // { __functor = _: merge; };

  _plainMerge = _knownMerge {
    plain = true;
    pathFree = true;
  };

  _pathFreeMerge = _knownMerge { pathFree = true; };

  _isPlain = type: type.merge.plain or false;

  _isPathFree = type: type.merge.pathFree or false;

  _isEmptyFree = type: type.merge.emptyFree or false;

  /** Knowledge about a type that passes the merging on to others. */
  _mergeLike =
    elemTypes:
    _knownMerge {
      plain = builtins.all _isPlain elemTypes;
      pathFree = builtins.all _isPathFree elemTypes;
    };

  /** A functor for a type made of one other type. */
  _elemTypeFunctor =
    name:
    { elemType, ... }@payload:
    {
      inherit name payload;
      wrapped = elemType;
      type = outer: lib.types.${name} outer.elemType;
      binOp =
        a: b:
        let
          merged = a.elemType.typeMerge b.elemType.functor;
        in
        if merged == null then null else a // { elemType = merged; };
    };
}
