/*
  The tree of declared options: built once per list of modules and shared by all evaluations that declare nothing more.

  A tree is `{ nodes; names; parents; }`. A node is a leaf, an option, or a branch with a tree of its own. Which of these it is, what
  type it has and what default is looked at only when the option is: all of it may depend on the configuration.
*/
{ lib }:
let
  inherit (builtins)
    all
    any
    attrNames
    concatMap
    filter
    foldl'
    head
    isAttrs
    isBool
    isFloat
    isInt
    isString
    mapAttrs
    zipAttrsWith
    ;
  inherit (lib) isOption showOption;

  supportsSubOptions = opt: opt.type.name or null == "submodule";

  # Declarations to `{ option; conflict; }`: the conflict is null, or a function from the path to a message.
  mergeDecls =
    loc: opts:
    let
      merged =
        foldl' addDecl
          {
            conflict = null;
            option = {
              inherit loc;
              declarations = [ ];
              declarationPositions = [ ];
            };
          }
          opts;
    in
    merged
    // {
      option =
        merged.option
        // {
          _type = "option";
        }
        // lib.optionalAttrs (!(merged.option ? type)) { type = lib.types.unspecified; };
    };

  addDecl =
    { conflict, option }:
    opt:
    let
      new = opt.options;
      both = name: new ? ${name} && option ? ${name};
      mergedType = option.type.typeMerge new.type.functor;
      typesClash = both "type" && mergedType == null;
      subModules = new.type.getSubModules or null;
      # Definitions inside a submodule type are in the file that declares the option.
      located = map (lib.setDefaultModuleLocation opt._file) subModules;
      type =
        if subModules == null then
          if option ? type then mergedType else new.type
        else if option ? type then
          mergedType.substSubModules (located ++ option.type.getSubModules)
        else
          new.type.substSubModules located;
      position =
        if opt.pos or null != null then
          opt.pos
        else
          {
            file = opt._file;
            line = null;
            column = null;
          };
      clash =
        loc:
        "The option `${showOption loc}' in `${opt._file}' is already declared in ${lib.showFiles option.declarations}.${
          lib.optionalString typesClash " The types ${option.type.description} and ${new.type.description} cannot be merged."
        }";
    in
    if conflict != null then
      { inherit conflict option; }
    else
      {
        conflict =
          if both "default" || both "example" || both "description" || both "apply" || typesClash then
            clash
          else
            null;
        # The first one seen, of the module that comes last, has the say where nothing clashes.
        option =
          new
          // option
          // {
            declarations = option.declarations ++ [ opt._file ];
            declarationPositions = option.declarationPositions ++ [ position ];
          }
          // lib.optionalAttrs (new ? type) { inherit type; };
      };

  # A nested set of options beside a submodule option of that name: as a submodule of its own, to be merged with it.
  asSubmoduleOption = decl: {
    _type = "option";
    type = lib.types.submoduleWith {
      modules = [
        {
          _file = decl.file;
          options = decl.value;
        }
      ];
      shorthandOnlyDefinesConfig = null;
    };
  };

  mkLeaf =
    rel: decls:
    let
      options = filter (d: isOption d.value) decls;
      nested = filter (d: !isOption d.value) decls;
      asOption = d: {
        _file = d.file;
        options = if isOption d.value then d.value else asSubmoduleOption d;
        inherit (d) pos;
      };
      merged = mergeDecls rel (map asOption decls);
      isParent = nested != [ ] && !all (d: supportsSubOptions d.value) options;
      # The path is known only where the tree is used, so what is wrong is a function of it.
      problem = if isParent then parentOfOptions options nested else merged.conflict;
      inherit (merged) option;
      inherit (option) type;
      # Single values, which no merge function but that of a type of the user's own would make depend on the path.
      isEmpty = v: { } == v || v == [ ];
      atom = v: v == null || v == [ ] || isString v || isBool v || isInt v || isFloat v;
    in
    {
      leaf = true;
      inherit
        isParent
        problem
        option
        type
        ;
      # A single definition that passes the check is the value.
      isPlain = problem == null && !(option.readOnly or false) && lib.types._isPlain type;
      declarations = map (d: d.file) options;
      hasDefault = option ? default;
      readOnly = option.readOnly or false;
      apply = option.apply or null;
      # A default that means the same at any path: its value is computed once, for all evaluations.
      isConstant =
        problem == null
        && option ? default
        && (
          lib.types._isPathFree type && atom option.default
          || lib.types._isEmptyFree type && isEmpty option.default
        )
        && type.check option.default;
      constant =
        let
          value = type.merge rel [
            {
              file = head option.declarations;
              value = option.default;
            }
          ];
        in
        if option ? apply then option.apply value else value;
    };

  parentOfOptions =
    options: nested: loc:
    let
      opt = head options;
      paths = concatMap (d: map (name: "- option(s) with prefix `${showOption (loc ++ [ name ])}' in module `${d.file}'") (attrNames d.value)) nested;
    in
    "The option `${showOption loc}' in module `${opt.file}' would be a parent of the following options, but its type `${opt.value.type.description or "<no description>"}' does not support nested options.\n${lib.concatStringsSep "\n" paths}";

  notAnOption =
    path: decl:
    throw "In module ${decl.file}: expected an option declaration at option path `${showOption path}' but got an attribute set with type ${decl.value._type}${
      lib.optionalString (
        decl.value._type == "option-type"
      ) ". A type is declared by an option: ${showOption path} = lib.mkOption { type = …; };"
    }";

  build =
    rel: decls:
    let
      byName = zipAttrsWith (_: ds: ds) (
        map (
          d:
          if isAttrs d.value then
            mapAttrs (name: value: {
              inherit (d) file;
              inherit value;
              pos = builtins.unsafeGetAttrPos name d.value;
            }) d.value
          else
            throw "In module `${d.file}': An option declaration for `${showOption rel}' has type\n`${builtins.typeOf d.value}' rather than an attribute set.\nDid you mean to define this outside of `options'?"
        ) decls
      );
      mkNode =
        name: ds:
        let
          path = rel ++ [ name ];
        in
        if any (d: isOption d.value) ds then
          mkLeaf path ds
        else if any (d: d.value ? _type) ds then
          notAnOption path (head (filter (d: d.value ? _type) ds))
        else
          {
            leaf = false;
            tree = build path ds;
          };
      nodes = mapAttrs mkNode byName;
      names = attrNames byName;
    in
    {
      inherit nodes names;
      # The names of options that have others below: wrong even if nobody asks for these.
      parents = filter (name: nodes.${name}.leaf && nodes.${name}.isParent) names;
    };
in
{
  /**
    The tree of a list of declarations `{ file; value; }`, value being what a module has under `options`.
  */
  _declare =
    decls:
    build [ ] (filter (d: { } != d.value) decls);

  /** The error for a tree with `parents`. */
  _parentOfOptions =
    prefix: tree:
    let
      name = head tree.parents;
    in
    throw (tree.nodes.${name}.problem (prefix ++ [ name ]));

  /**
    One option out of several declarations of it, `[{ _file; options; }]`: types are merged where they can be,
    anything else may be said only once.
  */
  mergeOptionDecls =
    loc: opts:
    let
      merged = mergeDecls loc opts;
    in
    if merged.conflict == null then merged.option else throw (merged.conflict loc);
}
