# Functions on attribute sets.
{ lib }:
let
  inherit (builtins)
    attrNames
    attrValues
    concatMap
    foldl'
    head
    intersectAttrs
    listToAttrs
    mapAttrs
    removeAttrs
    zipAttrsWith
    ;
in
rec {
  inherit (builtins)
    attrNames
    attrValues
    catAttrs
    getAttr
    hasAttr
    intersectAttrs
    isAttrs
    listToAttrs
    mapAttrs
    removeAttrs
    zipAttrsWith
    ;

  /** Maps each attribute to a set and merges these. */
  concatMapAttrs = f: v: foldl' (a: b: a // b) { } (attrValues (mapAttrs f v));

  /** The values of the named attributes. */
  attrVals = names: set: map (x: set.${x}) names;

  /** The named attributes only; each must exist. */
  getAttrs = names: attrs: genAttrs names (name: attrs.${name});

  /** The attributes that satisfy a predicate of name and value. */
  filterAttrs =
    pred: set: removeAttrs set (builtins.filter (name: !pred name set.${name}) (attrNames set));

  /** Folds over names and values in the order of the names. */
  foldlAttrs =
    f: init: set:
    foldl' (acc: name: f acc name set.${name}) init (attrNames set);

  /** Folds a list of sets attribute by attribute, from the right. */
  foldAttrs = op: nul: list: mapAttrs (_: lib.foldr op nul) (zipAttrs list);

  /** All combinations that take one value of each attribute's list. */
  cartesianProduct =
    attrsOfLists:
    foldl' (
      acc: name: concatMap (set: map (value: set // { ${name} = value; }) attrsOfLists.${name}) acc
    ) [ { } ] (attrNames attrsOfLists);

  /** Maps a function over the `cartesianProduct`. */
  mapCartesianProduct = f: attrsOfLists: map f (cartesianProduct attrsOfLists);

  /** The pair that `listToAttrs` takes. */
  nameValuePair = name: value: { inherit name value; };

  /** Maps names and values to `nameValuePair`s and makes a set of them. */
  mapAttrs' = f: set: listToAttrs (mapAttrsToList f set);

  /** Maps names and values to a list, in the order of the names. */
  mapAttrsToList = f: attrs: attrValues (mapAttrs f attrs);

  /** A set as a list of `nameValuePair`s. */
  attrsToList = mapAttrsToList nameValuePair;

  /** A set from a list of names and a function to values. */
  genAttrs = names: f: genAttrs' names (name: nameValuePair name (f name));

  /** A set from a list and a function to `nameValuePair`s. */
  genAttrs' = xs: f: listToAttrs (map f xs);

  /** Whether a value is a derivation. */
  isDerivation = value: value.type or null == "derivation";

  /** A store path dressed up as a derivation, so that it can stand where a package is expected. */
  toDerivation =
    path:
    let
      path' = builtins.storePath path;
    in
    {
      type = "derivation";
      name = lib.sanitizeDerivationName (builtins.substring 33 (-1) (baseNameOf path'));
      outPath = path';
      outputs = [ "out" ];
      outputName = "out";
    };

  /** The set if the condition holds, else an empty one. */
  optionalAttrs = cond: set: if cond then set else { };

  /** The value if the condition holds, else null, which derivations leave out. */
  optionalDrvAttr = cond: value: if cond then value else null;

  /** `zipAttrsWith` over some names only. */
  zipAttrsWithNames =
    names: f: sets:
    genAttrs names (name: f name (builtins.catAttrs name sets));

  /** Merges sets, giving each name the list of its values. */
  zipAttrs = zipAttrsWith (_: values: values);

  /** The union of a list of sets; later ones win. */
  mergeAttrsList = foldl' (a: b: a // b) { };

  /** Replaces only what is there already. */
  overrideExisting = old: new: old // intersectAttrs old new;

  /** The union of two sets that may not share a name. */
  unionOfDisjoint =
    x: y:
    let
      both = attrNames (intersectAttrs x y);
    in
    (x // y) // genAttrs both (name: throw "unionOfDisjoint: collision on ${name}; complete list: ${toString both}");

  /** An output of a package, else its `out`, else the package. */
  getOutput = output: pkg: if pkg.outputSpecified or false then pkg else pkg.${output} or pkg.out or pkg;

  /** The `bin` output of a package. */
  getBin = getOutput "bin";

  /** The `lib` output of a package. */
  getLib = getOutput "lib";

  /** The `dev` output of a package. */
  getDev = getOutput "dev";

  /** The `man` output of a package. */
  getMan = getOutput "man";

  /** The first of several outputs that a package has. */
  getFirstOutput =
    candidates: pkg:
    let
      outputs = builtins.filter (name: pkg ? ${name}) candidates;
    in
    if pkg.outputSpecified or false || outputs == [ ] then pkg else pkg.${head outputs};

  /** The `static` output of a package, or its `lib`. */
  getStatic = getFirstOutput [
    "static"
    "lib"
    "out"
  ];

  /** The `include` output of a package, or its `dev`. */
  getInclude = getFirstOutput [
    "include"
    "dev"
    "out"
  ];

  /** Marks a set for tools that look for packages in it. */
  recurseIntoAttrs = attrs: attrs // { recurseForDerivations = true; };

  /** The opposite of `recurseIntoAttrs`. */
  dontRecurseIntoAttrs = attrs: attrs // { recurseForDerivations = false; };
}
