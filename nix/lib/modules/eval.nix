/*
  evalModules: a list of modules to a configuration. It is made of the files beside this one:

    collect     a path, a function or a set to a module in one form; all that a list of modules imports
    declare     what modules declare to a tree of options
    prepare     both of these, once for many evaluations
    properties  mkIf, mkMerge, mkOverride, mkOrder
    merge       the definitions of one option to its value; what `options.<path>` tells
    level       the same for all names of a level of the tree
    options     mkOption and its relatives
    evolve      modules for options that got another name
    show        paths, files and definitions in messages; unknown is the longest of these
*/
{ lib }:
let
  inherit (builtins)
    all
    attrNames
    concatMap
    filter
    head
    length
    map
    tail
    ;
  inherit (lib) setAttrByPath unknownModule;

  recursionHint = "if you get an infinite recursion here, you probably reference `config` in `imports`. If you are trying to achieve a conditional import behavior dependent on `config`, consider importing unconditionally, and using `mkEnableOption` and `mkIf` to control its effect.";

  # The configuration of a submodule with definitions `{ file; value; }` that are sets.
  configure =
    base: loc: defs:
    let
      inherit (head defs) value file;
    in
    if tail defs == [ ] && base.isQuiet && lib._isFlat base.tree value then
      lib._evalFlat loc base.tree file value
    else
      (evaluate base {
        prefix = loc;
        args.name = lib.last loc;
        plain = defs;
      }).config;

  # `modules` come on top of the prepared ones; `plain` are definitions for them, `{ file; value; }`, value a set.
  evaluate =
    base:
    {
      modules ? [ ],
      plain ? [ ],
      specialArgs ? base.specialArgs,
      prefix ? base.prefix,
      args ? { },
    }:
    let
      ctx = {
        inherit (base) class;
        isShared = false;
        args = {
          inherit specialArgs;
          lib = lib.public;
          config = builtins.addErrorContext recursionHint fullConfig;
          options = fullOptions;
          _class = base.class;
          _prefix = prefix;
        }
        // specialArgs;
        moduleArg =
          key: name:
          let
            found = builtins.addErrorContext recursionHint own.values.args;
          in
          found.${name}
            or (throw "attribute `${name}' missing: no module argument of this name is given to ${key}.${
              lib._suggest lib.id name (attrNames (ctx.args // found))
            }");
      };
      offset = length base.modules;
      baseNodes =
        lib.imap1 (
          n: node:
          if node == null then
            lib._toNode ctx unknownModule "" n (builtins.elemAt base.modules (n - 1))
          else
            node
        ) base.nodes;
      ownNodes = lib.imap1 (n: lib._toNode ctx unknownModule "" (offset + n)) modules;
      plainNodes = lib.imap1 (n: def: {
        key = ":plain-${toString n}";
        isShared = false;
        children = [ ];
        module = {
          _file = def.file;
          options = { };
          config = def.value;
          disabledModules = [ ];
        };
      }) plain;

      # Definitions alone on top of modules that only declare: the everyday case inside submodules.
      simple =
        modules == [ ] && base.isQuiet && all (def: !(def.value ? _type)) plain;
      # What comes on top of the prepared modules; of these, where they are quiet, only the tree is needed.
      added = lib._closure ctx (ownNodes ++ plainNodes);
      addsOnly = base.isQuiet && all (node: node.module.disabledModules == [ ]) added;
      nodes = lib._closure ctx (baseNodes ++ ownNodes ++ plainNodes ++ [ base.internalNode ]);
      fresh =
        if addsOnly then
          filter (node: !(base.sharedKeys ? ${node.key})) added
        else
          filter (node: !node.isShared) nodes;
      complete = addsOnly || length nodes - length fresh == length (attrNames base.sharedKeys);
      tree =
        if simple || (complete && all (node: { } == node.module.options) fresh) then
          base.tree
        else
          lib._treeOf nodes;
      allTree = tree.all;
      defs =
        if simple then
          if plain == [ ] || tail plain == [ ] then plain else lib.reverseList plain
        else
          concatMap (lib._definitions prefix) (lib.reverseList (if addsOnly then fresh else nodes));

      level = lib._evalLevel prefix tree defs;
      ownDefs = level.defsOf "_module";
      ownPrefix = prefix ++ [ "_module" ];
      own = lib._evalBranch ownPrefix (
        [
          {
            file = lib._internalFile;
            value = {
              inherit specialArgs;
              args = {
                inherit extendModules;
                moduleType = type;
              }
              // args;
            };
          }
        ]
        ++ ownDefs
      ) allTree.nodes._module.tree;
      freeformType = if ownDefs == [ ] then null else own.values.freeformType;
      strict = ownDefs == [ ] || own.values.check;

      freeform = freeformType.merge prefix (
        map (def: {
          inherit (def) file;
          value = setAttrByPath def.path def.value;
        }) level.unmatched
      );
      values =
        if freeformType == null || level.unmatched == [ ] then
          level.values
        else
          lib.recursiveUpdate freeform level.values;

      unknown =
        (if ownDefs == [ ] then [ ] else map (def: def // { path = [ "_module" ] ++ def.path; }) own.unmatched)
        ++ level.unmatched;
      checked =
        if !strict && freeformType == null then
          x: x
        else if allTree.parents != [ ] then
          lib._parentOfOptions prefix allTree
        else if unknown != [ ] && freeformType == null then
          lib._unknownOption prefix allTree (head unknown)
        else
          x: x;
      # Modules see what nobody has checked yet: the check reads what they define.
      fullConfig = values // {
        _module = own.values;
      };
      fullOptions = lib._describeLevel prefix tree level // {
        _module = lib._describeLevel ownPrefix allTree.nodes._module.tree own;
      };

      type = lib.types.submoduleWith {
        modules =
          base.modules
          ++ map (def: {
            _file = def.file;
            config = def.value;
          }) plain
          ++ modules;
        inherit (base) class;
        inherit specialArgs;
      };
      extendModules =
        more@{
          modules ? [ ],
          specialArgs ? { },
          prefix ? null,
        }:
        evaluate base (
          {
            inherit plain args;
            modules = ownModules ++ modules;
            specialArgs = allSpecialArgs // specialArgs;
            prefix = if more ? prefix then prefix else ownPath;
          }
        );
      ownModules = modules;
      allSpecialArgs = specialArgs;
      ownPath = prefix;
    in
    {
      _type = "configuration";
      inherit extendModules type;
      config = checked values;
      options = checked fullOptions;
      _module = checked own.values;
      inherit (base) class;
      graph = lib._graph ctx (baseNodes ++ ownNodes ++ plainNodes);
    };
in
{
  /**
    Evaluates modules: `{ modules, specialArgs ? { }, prefix ? [ ], class ? null }` to
    `{ config, options, _module, type, extendModules, class }`.
  */
  evalModules =
    {
      modules,
      prefix ? [ ],
      specialArgs ? { },
      class ? null,
      ...
    }@given:
    let
      others = attrNames (
        removeAttrs given [
          "modules"
          "prefix"
          "specialArgs"
          "class"
        ]
      );
    in
    if others != [ ] then
      lib._beyond "the argument `${head others}' of evalModules"
    else
      evaluate (lib._prepare {
        inherit
          modules
          prefix
          specialArgs
          class
          ;
      }) { };

  _evaluate = evaluate;
  _configure = configure;
}
