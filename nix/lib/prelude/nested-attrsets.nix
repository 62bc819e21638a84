# Functions on attribute sets in attribute sets, and on paths in them.
{ lib }:
let
  inherit (builtins)
    attrNames
    attrValues
    concatMap
    head
    isAttrs
    length
    mapAttrs
    tail
    zipAttrsWith
    ;
in
rec {
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

  /** `filterAttrs`, also in nested sets. */
  filterAttrsRecursive =
    pred: set:
    mapAttrs (_: v: if isAttrs v then filterAttrsRecursive pred v else v) (lib.filterAttrs pred set);

  /** All values in a nested set that satisfy a predicate; does not look inside those. */
  collect =
    pred: attrs:
    if pred attrs then
      [ attrs ]
    else if isAttrs attrs then
      concatMap (collect pred) (attrValues attrs)
    else
      [ ];

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

  /** A path of names as one writes it in Nix. */
  showAttrPath =
    path: if path == [ ] then "<root attribute path>" else lib.concatMapStringsSep "." lib.escapeNixIdentifier path;
}
