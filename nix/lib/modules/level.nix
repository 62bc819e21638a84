/*
  One level of the option tree: the definitions of its names, their values, and what `options` shows of them.

  The result is `{ values; unmatched; defsOf; levels; }`: the configuration; definitions that no option takes, each with its
  path; the definitions of a name; the levels below.
*/
{ lib }:
let
  inherit (builtins)
    addErrorContext
    attrNames
    concatMap
    head
    intersectAttrs
    isAttrs
    map
    mapAttrs
    removeAttrs
    tail
    typeOf
    zipAttrsWith
    ;
  inherit (lib) pushDownProperties showOption;

  notASet =
    def: loc:
    throw "In module `${toString def.file}', you're trying to define a value of type `${typeOf def.value}'\nrather than an attribute set for the option\n`${showOption loc}'!\n\nThis usually happens if `${showOption loc}' has option\ndefinitions inside that are not matched. Please check how to properly define\nthis option by looking at its documentation.";

  # All names of one level of the tree, given the definitions `{ file; value; }` of it.
  evalLevel =
    prefix: tree: defs:
    let
      single = defs != [ ] && tail defs == [ ];
      inherit (head defs) file;
      given =
        if defs == [ ] then
          { }
        else if single then
          (head defs).value
        else
          zipAttrsWith (_: ds: ds) (
            map (
              def:
              mapAttrs (_: value: {
                inherit (def) file;
                inherit value;
              }) def.value
            ) defs
          );
      defsOf =
        if single then
          name:
          if given ? ${name} then
            [
              {
                inherit file;
                value = given.${name};
              }
            ]
          else
            [ ]
        else
          name: given.${name} or [ ];
      # The levels of branches, by name; never asked for that of a leaf.
      levels = mapAttrs (name: node: evalBranch (prefix ++ [ name ]) (defsOf name) node.tree) tree.nodes;
      unknown = removeAttrs given tree.names;
      unknownHere = concatMap (name: map (def: def // { path = [ name ]; }) (defsOf name)) (
        attrNames unknown
      );
      unknownBelow =
        name:
        if tree.nodes.${name}.leaf then
          [ ]
        else
          map (def: def // { path = [ name ] ++ def.path; }) levels.${name}.unmatched;
    in
    {
      inherit defsOf levels;
      values = mapAttrs (
        name: node:
        if node.leaf then
          let
            defs = defsOf name;
          in
          if defs == [ ] && node.isConstant then
            node.constant
          else
            lib._leafValue (prefix ++ [ name ]) node defs
        else
          levels.${name}.values
      ) tree.nodes;
      unmatched =
        if defs == [ ] then
          [ ]
        else if tree.parents != [ ] then
          lib._parentOfOptions prefix tree
        else
          (if { } == unknown then [ ] else unknownHere)
          ++ concatMap unknownBelow (attrNames (intersectAttrs tree.nodes given));
    };

  evalBranch =
    prefix: defs: tree:
    evalLevel prefix tree (
      concatMap (
        def:
        if !isAttrs def.value then
          notASet def prefix
        else if def.value ? _type then
          map (
            value:
            if isAttrs value then
              {
                inherit (def) file;
                inherit value;
              }
            else
              notASet {
                inherit (def) file;
                inherit value;
              } prefix
          ) (pushDownProperties def.value)
        else
          [ def ]
      ) defs
    );
in
{
  _evalLevel = evalLevel;
  _evalBranch = evalBranch;

  /**
    The values of a level of which a single plain set defines some options: what almost every submodule is. It is what
    `_evalLevel` gives, provided that `_isFlat`.
  */
  _evalFlat =
    prefix: tree: file: given:
    mapAttrs (
      name: node:
      if given ? ${name} then
        # A value that needs no merging, checked: nine in ten are.
        if
          node.isPlain && !(isAttrs given.${name} && lib._isProperty given.${name}) && node.type.check given.${name}
        then
          if node.apply == null then given.${name} else node.apply given.${name}
        else
          lib._leafValue (prefix ++ [ name ]) node [
            {
              inherit file;
              value = given.${name};
            }
          ]
      else if !node.leaf then
        (evalBranch (prefix ++ [ name ]) [ ] node.tree).values
      else if node.isConstant then
        node.constant
      else
        lib._leafValue (prefix ++ [ name ]) node [ ]
    ) tree.nodes;

  /** Whether a set defines nothing but options of a level. */
  _isFlat =
    tree: given:
    !(given ? _type)
    && tree.parents == [ ]
    && { } == removeAttrs given tree.leafNames;

  /** The `options` of a level. */
  _describeLevel =
    prefix: tree: level:
    mapAttrs (
      name: node:
      let
        path = prefix ++ [ name ];
      in
      if node.leaf then
        lib._describeLeaf path node (level.defsOf name) level.values.${name}
      else
        lib._describeLevel path node.tree level.levels.${name}
    ) tree.nodes;

  /** The plain sets that a module defines, given its node. */
  _definitions =
    prefix: node:
    map
      (
        value:
        if isAttrs value then
          {
            file = node.module._file;
            inherit value;
          }
        else
          notASet { inherit value; file = node.module._file; } prefix
      )
      (
        addErrorContext "while evaluating the module `${node.module._file}':" (
          if isAttrs node.module.config then pushDownProperties node.module.config else [ node.module.config ]
        )
      );
}
