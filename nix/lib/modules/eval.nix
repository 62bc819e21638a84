/*
  evalModules: a list of modules to a configuration.

  What does not depend on the single evaluation is prepared once: modules that are no functions, and the tree of the
  options these declare. A thousand hosts, or the thousand files of one, share it.
*/
{ lib }:
let
  inherit (builtins)
    addErrorContext
    all
    attrNames
    concatMap
    filter
    head
    intersectAttrs
    isAttrs
    length
    map
    mapAttrs
    removeAttrs
    tail
    typeOf
    zipAttrsWith
    ;
  inherit (lib)
    pushDownProperties
    setAttrByPath
    showOption
    unknownModule
    ;

  internalFile = "lib/modules.nix";

  # The options every evaluation has for itself.
  internalModule = {
    _file = internalFile;
    key = internalFile;
    options._module = {
      args = lib.mkOption {
        type = lib.types.lazyAttrsOf lib.types.raw;
        default = { };
        description = "Additional arguments that every module function can ask for by name.";
      };
      check = lib.mkOption {
        type = lib.types.bool;
        internal = true;
        default = true;
        description = "Whether a definition of an option that does not exist is an error.";
      };
      freeformType = lib.mkOption {
        type = lib.types.nullOr lib.types.optionType;
        internal = true;
        default = null;
        description = "The type that all definitions without an option of their own must have together; null refuses them.";
      };
      specialArgs = lib.mkOption {
        readOnly = true;
        internal = true;
        description = "The arguments that were given to the evaluation itself.";
      };
    };
  };

  staticCtx = class: {
    args = { };
    moduleArg = key: name: throw "internal error: static module ${key} asks for ${name}";
    inherit class;
  };

  # Modules as far as they can be understood without arguments.
  prepare =
    {
      modules,
      class,
      specialArgs,
      prefix,
    }:
    let
      ctx = staticCtx class;
      nodeOf =
        n: m: if lib._isStatic m then lib._toNode ctx unknownModule "" n m // { shared = true; } else null;
      nodes = lib.imap1 nodeOf modules;
      static = filter (node: node != null) nodes;
      closure = lib._closure ctx (static ++ [ internalNode ]);
      internalNode = lib._toNode ctx internalFile "" 0 internalModule // {
        shared = true;
      };
      sharedKeys = lib.genAttrs (map (node: node.key) closure) (_: null);
    in
    rec {
      inherit
        modules
        class
        specialArgs
        prefix
        nodes
        internalNode
        sharedKeys
        ;
      allStatic = all (node: node != null) nodes;
      # Modules that only declare: an evaluation needs nothing of them but the tree.
      quiet = all (node: node.module.config == { } && node.module.disabledModules == [ ]) closure;
      tree = withoutModule (lib._declare (declarations closure));
      # Nothing but options at the top level, and nothing else to look at.
      isFlat = allStatic && quiet && all (node: node.leaf) (builtins.attrValues tree.nodes);
    };

  # The options that users see; `all` has `_module` as well, which the evaluation needs for itself.
  withoutModule = all: {
    nodes = removeAttrs all.nodes [ "_module" ];
    inherit (all) names;
    # A definition of `_module` says something about the evaluation, which is then no simple one.
    flatNames = attrNames (removeAttrs all.nodes [ "_module" ]);
    inherit all;
  };

  declarations =
    nodes:
    map (node: {
      file = node.module._file;
      value = node.module.options;
    }) (lib.reverseList nodes);

  notASet =
    def: loc:
    throw "In module `${toString def.file}', you're trying to define a value of type `${typeOf def.value}'\nrather than an attribute set for the option\n`${showOption loc}'!\n\nThis usually happens if `${showOption loc}' has option definitions inside that are not matched. Please check how to properly define this option by looking at its documentation.";

  # The plain sets that a module defines.
  definitions =
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

  /*
    One level of a tree that has only options, given a single plain set of definitions that names nothing else: what
    almost every submodule is. It gives the same as `evalLevel` would.
  */
  evalFlat =
    prefix: tree: file: given:
    mapAttrs (
      name: node:
      if given ? ${name} then
        lib._leafValueOfOne (prefix ++ [ name ]) node file given.${name}
      else if node.isConstant then
        node.constant
      else
        lib._leafValue (prefix ++ [ name ]) node [ ]
    ) tree.nodes;

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
        (if unknown == { } then [ ] else unknownHere)
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
          map (value: {
            inherit (def) file;
            inherit value;
          }) (pushDownProperties def.value)
        else
          [ def ]
      ) defs
    );

  # The `options` of one level, beside the values of it.
  describeLevel =
    prefix: tree: level:
    mapAttrs (
      name: node:
      let
        path = prefix ++ [ name ];
      in
      if node.leaf then
        lib._describeLeaf path node (level.defsOf name) level.values.${name}
      else
        describeLevel path node.tree level.levels.${name}
    ) tree.nodes;

  # An option that was put among definitions, there or one level below.
  declaresOption =
    value:
    isAttrs value && (lib.isOption value || (!(value ? _type) && builtins.any lib.isOption (builtins.attrValues value)));

  unknownOption =
    prefix: tree: def:
    let
      loc = prefix ++ def.path;
      # The siblings of the name that does not exist.
      siblings = path: t: if length path > 1 then siblings (tail path) t.nodes.${head path}.tree else t.names;
      parent = lib.init loc;
      names = filter (name: name != "_module") (siblings def.path tree);
      inherit (def) value;
      # A broken definition must not hide the message that it is one too many.
      misplaced = (builtins.tryEval (declaresOption value)).value;
      putIntoConfig = "\n\nIt seems as if you're trying to declare an option by placing it into `config' rather than `options'!";
      hint =
        if names == [ ] && prefix != [ ] then
          "\n\nHowever there are no options defined in `${showOption prefix}'. Are you sure you've declared your options properly? This can happen if you e.g. declared your options in `types.submodule' under `config' rather than `options'."
        else if names == [ ] || misplaced then
          putIntoConfig
        else
          "\n\n"
          + lib._didYouMean (name: showOption (parent ++ [ name ])) (lib._nearest (lib.last loc) names);
    in
    addErrorContext
      "while evaluating the error message for definitions for `${showOption loc}', which is an option that does not exist"
      (
        addErrorContext "while evaluating a definition from `${toString def.file}'" (
          throw "The option `${showOption loc}' does not exist. Definition values:${
            lib.showDefs [
              {
                inherit (def) file;
                inherit value;
              }
            ]
          }${hint}"
        )
      );

  # The configuration of a submodule with definitions `{ file; value; }` that are sets.
  configure =
    base: loc: defs:
    let
      inherit (head defs) value file;
    in
    if
      tail defs == [ ]
      && base.isFlat
      && !(value ? _type)
      && removeAttrs value base.tree.flatNames == { }
    then
      evalFlat loc base.tree file value
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
        args = {
          inherit specialArgs;
          lib = lib.public;
          config = fullConfig;
          options = fullOptions;
          _class = base.class;
          _prefix = prefix;
        }
        // specialArgs;
        moduleArg =
          key: name:
          let
            found = own.values.args;
          in
          found.${name}
            or (throw "attribute `${name}' missing: no module argument of this name is given to ${key}.${
              lib._suggest lib.id name (attrNames (ctx.args // found))
            }");
      };
      offset = length base.modules;
      baseNodes =
        if base.allStatic then
          base.nodes
        else
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
        children = [ ];
        module = {
          _file = def.file;
          options = { };
          config = def.value;
          disabledModules = [ ];
        };
      }) plain;

      # Definitions alone on top of modules that only declare: the everyday case inside submodules.
      simple = modules == [ ] && base.allStatic && base.quiet && all (def: !(def.value ? _type)) plain;
      nodes = lib._closure ctx (baseNodes ++ ownNodes ++ plainNodes ++ [ base.internalNode ]);
      fresh = filter (node: !(base.sharedKeys ? ${node.key})) nodes;
      complete = length nodes - length fresh == length (attrNames base.sharedKeys);
      tree =
        if simple || (complete && all (node: node.module.options == { }) fresh) then
          base.tree
        else
          withoutModule (lib._declare (declarations nodes));
      allTree = tree.all;
      defs =
        if simple then
          if plain == [ ] || tail plain == [ ] then plain else lib.reverseList plain
        else
          concatMap (definitions prefix) (lib.reverseList nodes);

      level = evalLevel prefix tree defs;
      ownDefs = level.defsOf "_module";
      ownPrefix = prefix ++ [ "_module" ];
      own = evalBranch ownPrefix (
        ownDefs
        ++ [
          {
            file = internalFile;
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

      checked =
        if freeformType == null && level.unmatched != [ ] && strict then
          throw (unknownOption prefix tree (head level.unmatched))
        else
          x: x;
      # Modules see what nobody has checked yet: the check reads what they define.
      fullConfig = values // {
        _module = own.values;
      };
      options = describeLevel prefix tree level;
      fullOptions = options // {
        _module = describeLevel ownPrefix allTree.nodes._module.tree own;
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
    }:
    evaluate (prepare {
      inherit
        modules
        prefix
        specialArgs
        class
        ;
    }) { };

  _prepare = prepare;
  _evaluate = evaluate;
  _configure = configure;
}
