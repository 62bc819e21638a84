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
    isAttrs
    length
    listToAttrs
    mapAttrs
    removeAttrs
    tail
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

  /** The value at a path, else `default`. `attrByPath [ "a" "b" ] 0 { a.b = 1; }` is 1 */
  attrByPath =
    path: default: set:
    if path == [ ] then
      set
    else if isAttrs set && set ? ${head path} then
      attrByPath (tail path) default set.${head path}
    else
      default;

  /** Whether there is a value at a path. */
  hasAttrByPath =
    path: set:
    path == [ ] || (isAttrs set && set ? ${head path} && hasAttrByPath (tail path) set.${head path});

  /** A nested set with one value at a path. */
  setAttrByPath =
    path: value: if path == [ ] then value else { ${head path} = setAttrByPath (tail path) value; };

  /** The value at a path; throws where there is none. */
  getAttrFromPath =
    path: attrByPath path (throw "cannot find attribute '${lib.concatStringsSep "." path}'");

  /** The longest beginning of a path that exists in a set. */
  longestValidPathPrefix =
    path: set:
    if path != [ ] && isAttrs set && set ? ${head path} then
      [ (head path) ] ++ longestValidPathPrefix (tail path) set.${head path}
    else
      [ ];

  /** Maps each attribute to a set and merges these. */
  concatMapAttrs = f: v: foldl' (a: b: a // b) { } (attrValues (mapAttrs f v));

  /**
    Applies `{ path, update }` functions to a nested set: what is deeper first, then in the order of the list. A function
    may ignore what there was, so that a path need not exist.
  */
  updateManyAttrsByPath =
    let
      name = path: "'${lib.concatStringsSep "." path}'";
      go =
        path: old: updates:
        let
          depth = length path;
          here = builtins.filter (u: length u.path == depth) updates;
          deeper = builtins.filter (u: length u.path > depth) updates;
          set =
            if !(old ? value) then
              { }
            else if isAttrs old.value then
              old.value
            else
              throw "updateManyAttrsByPath: cannot update ${name (head deeper).path}: ${name path} is no attribute set";
          value =
            if deeper != [ ] then
              set
              // mapAttrs (
                child: go (path ++ [ child ]) (lib.optionalAttrs (set ? ${child}) { value = set.${child}; })
              ) (builtins.groupBy (u: builtins.elemAt u.path depth) deeper)
            else
              old.value or (throw "updateManyAttrsByPath: ${name path} is updated by a function of its value, and has none");
        in
        lib.foldl (acc: u: u.update acc) value here;
    in
    updates: set: go [ ] { value = set; } updates;

  /** The values of the named attributes. */
  attrVals = names: set: map (x: set.${x}) names;

  /** The named attributes only; each must exist. */
  getAttrs = names: attrs: genAttrs names (name: attrs.${name});

  /** The attributes that satisfy a predicate of name and value. */
  filterAttrs =
    pred: set: removeAttrs set (builtins.filter (name: !pred name set.${name}) (attrNames set));

  /** `filterAttrs`, also in nested sets. */
  filterAttrsRecursive =
    pred: set:
    mapAttrs (_: v: if isAttrs v then filterAttrsRecursive pred v else v) (filterAttrs pred set);

  /** Folds over names and values in the order of the names. */
  foldlAttrs =
    f: init: set:
    foldl' (acc: name: f acc name set.${name}) init (attrNames set);

  /** Folds a list of sets attribute by attribute, from the right. */
  foldAttrs = op: nul: list: mapAttrs (_: lib.foldr op nul) (zipAttrs list);

  /** All values in a nested set that satisfy a predicate; does not look inside those. */
  collect =
    pred: attrs:
    if pred attrs then
      [ attrs ]
    else if isAttrs attrs then
      concatMap (collect pred) (attrValues attrs)
    else
      [ ];

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

  /** Maps the leaves of a nested set; the function gets the path. */
  mapAttrsRecursive = mapAttrsRecursiveCond (_: true);

  /** `mapAttrsRecursive` that goes into a set only where the condition holds. */
  mapAttrsRecursiveCond =
    cond: f: set:
    let
      go =
        path:
        mapAttrs (
          name: value:
          if isAttrs value && cond value then go (path ++ [ name ]) value else f (path ++ [ name ]) value
        );
    in
    go [ ] set;

  /** Like `mapAttrsRecursiveCond`, for a tree of sets and lists; the condition gets path and value. */
  mapAttrsToListRecursive = mapAttrsToListRecursiveCond (_: _: true);

  /** A list made of the leaves of a nested set. */
  mapAttrsToListRecursiveCond =
    pred: f: set:
    let
      go =
        path: value:
        if isAttrs value && (path == [ ] || pred path value) then
          concatMap (name: go (path ++ [ name ]) value.${name}) (attrNames value)
        else
          [ (f path value) ];
    in
    go [ ] set;

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

  /** Merges nested sets until the predicate of path and both values holds; there the right one wins. */
  recursiveUpdateUntil =
    pred: lhs: rhs:
    let
      go =
        path:
        zipAttrsWith (
          name: values:
          let
            here = path ++ [ name ];
          in
          if length values == 1 || pred here (builtins.elemAt values 1) (head values) then
            head values
          else
            go here values
        );
    in
    go [ ] [
      rhs
      lhs
    ];

  /** Merges nested sets; the right one wins where not both sides are sets. */
  recursiveUpdate = recursiveUpdateUntil (
    _path: lhs: rhs:
    !(isAttrs lhs && isAttrs rhs)
  );

  /** Whether each attribute of the pattern is, with that value, in the set. */
  matchAttrs =
    pattern: attrs:
    builtins.all (
      name:
      attrs ? ${name}
      && (
        if isAttrs pattern.${name} then
          isAttrs attrs.${name} && matchAttrs pattern.${name} attrs.${name}
        else
          pattern.${name} == attrs.${name}
      )
    ) (attrNames pattern);

  /** Replaces only what is there already. */
  overrideExisting = old: new: old // intersectAttrs old new;

  /** A path of names as one writes it in Nix. */
  showAttrPath =
    path: if path == [ ] then "<root attribute path>" else lib.concatMapStringsSep "." lib.escapeNixIdentifier path;

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
