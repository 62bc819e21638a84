/*
  The tree of declared options: built once per list of modules and shared by all evaluations that declare nothing more.

  A tree is sorted by what evaluation must do with a name:
    leaves     all options, as nodes
    open       those of the leaves that have to be evaluated even if nobody defines them
    constants  the values of the others: their default, which is the same wherever the option stands
    branches   nested trees
    names      all names
*/
{ lib }:
let
  inherit (builtins)
    all
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
    removeAttrs
    zipAttrsWith
    ;
  inherit (lib) isOption showOption;

  supportsSubOptions = opt: opt.type.getSubModules or null != null;

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
      # The option path is known only where the tree is used, errors are functions of it.
      problem =
        if nested != [ ] && !all (d: supportsSubOptions d.value) options then
          parentOfOptions options nested
        else
          null;
      option = lib.mergeOptionDecls rel (map asOption decls);
      inherit (option) type;
      atom = v: v == null || v == [ ] || isString v || isBool v || isInt v || isFloat v;
    in
    {
      inherit problem option type;
      declarations = map (d: d.file) options;
      hasDefault = option ? default;
      readOnly = option.readOnly or false;
      apply = option.apply or null;
      # A default that means the same at any path: its value is computed once.
      isConstant =
        problem == null
        && option ? default
        && type.locFree or false
        && atom option.default
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
            throw "In module `${d.file}', you're trying to declare an option of value type `${builtins.typeOf d.value}' rather than an attribute set for the option `${showOption rel}'!"
        ) decls
      );
      isLeaf = _: ds: builtins.any (d: isOption d.value) ds;
      leaves = mapAttrs (name: mkLeaf (rel ++ [ name ])) (lib.filterAttrs isLeaf byName);
      branches = mapAttrs (name: build (rel ++ [ name ])) (removeAttrs byName (attrNames leaves));
      constantLeaves = lib.filterAttrs (_: leaf: leaf.isConstant) leaves;
    in
    {
      inherit leaves branches;
      names = attrNames byName;
      open = removeAttrs leaves (attrNames constantLeaves);
      constants = mapAttrs (_: leaf: leaf.constant) constantLeaves;
    };
in
rec {
  /**
    The tree of a list of declarations `{ file; value; }`, value being what a module has under `options`.
    `_module` is set apart: the evaluation needs it for itself.
  */
  _declare =
    decls:
    let
      tree = build [ ] (filter (d: d.value != { }) decls);
    in
    tree
    // {
      branches = removeAttrs tree.branches [ "_module" ];
      module = tree.branches._module;
    };

  /**
    One option out of several declarations of it, `[{ _file; options; }]`: types are merged where they can be,
    anything else may be said only once.
  */
  mergeOptionDecls =
    loc: opts:
    foldl'
      (
        res: opt:
        let
          new = opt.options;
          both = name: new ? ${name} && res ? ${name};
          mergedType = new.type.typeMerge res.type.functor;
          typesClash = both "type" && mergedType == null;
          subModules = new.type.getSubModules or null;
          # Definitions inside a submodule type are in the file that declares the option.
          located =
            if subModules != null then
              new.type.substSubModules (map (lib.setDefaultModuleLocation opt._file) subModules)
            else
              new.type;
        in
        if both "default" || both "example" || both "description" || both "apply" || typesClash then
          throw "The option `${showOption loc}' in `${opt._file}' is already declared in ${lib.showFiles res.declarations}.${
            lib.optionalString typesClash " The types ${res.type.description} and ${new.type.description} cannot be merged."
          }"
        else
          res
          // new
          // {
            declarations = res.declarations ++ [ opt._file ];
            declarationPositions =
              res.declarationPositions
              ++ (
                if opt.pos or null != null then
                  [ opt.pos ]
                else
                  [
                    {
                      file = opt._file;
                      line = null;
                      column = null;
                    }
                  ]
              );
          }
          // lib.optionalAttrs (new ? type) {
            type =
              if res ? type then
                located.typeMerge res.type.functor
              else
                located;
          }
      )
      {
        inherit loc;
        declarations = [ ];
        declarationPositions = [ ];
      }
      opts
    // {
      _type = "option";
    }
    // lib.optionalAttrs (!builtins.any (opt: opt.options ? type) opts) { type = lib.types.unspecified; };
}
