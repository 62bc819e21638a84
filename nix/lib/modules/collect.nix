/*
  From what a user calls a module (a path, a function, a set) to a record of one shape, and from a list of modules to
  the list of all they import. Nothing here looks at options or definitions.

  A node is `{ key; module; children; }`: the record and the nodes it imports. `key` tells whether two are the same module.
*/
{ lib }:
let
  inherit (builtins)
    addErrorContext
    all
    attrNames
    concatMap
    elem
    filter
    genericClosure
    head
    isAttrs
    isList
    isPath
    isString
    mapAttrs
    removeAttrs
    typeOf
    unsafeDiscardStringContext
    ;
  inherit (lib) functionArgs isFunction mkMerge;

  syntaxNames = [
    "_class"
    "_file"
    "key"
    "disabledModules"
    "imports"
    "options"
    "config"
    "meta"
    "freeformType"
  ];

  shorthandNames = [
    "_class"
    "_file"
    "key"
    "disabledModules"
    "require"
    "imports"
    "freeformType"
  ];

  # What a loaded module must be: a set, in long form if it has `config` or `options`, else in short form.
  unify =
    file: key: m:
    let
      addMeta =
        config:
        if m ? meta then
          mkMerge [
            config
            { inherit (m) meta; }
          ]
        else
          config;
      addFreeform =
        config:
        if m ? freeformType then
          mkMerge [
            config
            { _module.freeformType = m.freeformType; }
          ]
        else
          config;
      common = {
        _file = toString (m._file or file);
        _class = m._class or null;
        key = unsafeDiscardStringContext (toString (m.key or key));
        disabledModules = m.disabledModules or [ ];
      };
      stray = removeAttrs m syntaxNames;
    in
    if !isAttrs m then
      throw "module ${file} (${key}) does not look like a module."
    else if m ? config || m ? options then
      if { } != stray then
        throw "Module `${toString (m._file or m.key or key)}' has an unsupported attribute `${head (attrNames stray)}'. This is caused by introducing a top-level `config' or `options' attribute. Add configuration attributes immediately on the top level instead, or move all of them (namely: ${toString (attrNames stray)}) into the explicit `config' attribute."
      else
        common
        // {
          imports = m.imports or [ ];
          options = m.options or { };
          config = addFreeform (addMeta (m.config or { }));
        }
    else
      common
      // {
        imports = m.require or [ ] ++ m.imports or [ ];
        options = { };
        config = addFreeform (removeAttrs m shorthandNames);
      };

  # Module functions name what they want; whatever is no special argument comes from `_module.args`.
  applyArgs =
    ctx: key: f:
    let
      wanted = mapAttrs (
        name: _:
        addErrorContext "while evaluating the module argument `${name}' in \"${key}\":" (
          ctx.args.${name} or (ctx.moduleArg key name)
        )
      ) (functionArgs f);
    in
    f (ctx.args // wanted);

  load =
    ctx: file: key: m:
    if isFunction m then
      unify file key (applyArgs ctx key m)
    else if isAttrs m then
      loadSet ctx file key m
    else if isPath m || isString m then
      let
        path = toString m;
        value = import m;
      in
      if isFunction value then unify path path (applyArgs ctx path value) else loadValue path value
    else if isList m then
      throw "Module imports can't be nested lists. Perhaps you meant to remove one level of lists? Definitions:${
        lib.showDefs [
          {
            inherit file;
            value = m;
          }
        ]
      }"
    else
      throw "Expected a module, but found a value of type ${typeOf m}${into ctx file}";

  loadValue = path: value: unify path path value;

  # For an error: the file that imports, and the option whose value is made of modules.
  into =
    ctx: file:
    lib.concatMapStrings (place: ", while trying to load a module into ${place}") (
      [ file ] ++ lib.optional (ctx.args._prefix or [ ] != [ ]) (lib.showOption ctx.args._prefix)
    );

  loadSet =
    ctx: file: key: m:
    let
      type = m._type or "module";
    in
    if type == "module" then
      unify file key m
    else if type == "if" || type == "override" then
      load ctx file key { config = m; }
    else
      throw "Expected a module, but found a value of type ${lib.strings.escapeNixString type}${into ctx file}.${
        lib.optionalString (type == "configuration")
          " If it is to be imported, please only import the modules that make up the configuration."
      }";

  checkClass =
    class: module:
    if class == null || module._class == null || module._class == class then
      module
    else
      throw "The module `${module._file}` (class: ${lib.strings.escapeNixString module._class}) cannot be imported into a module evaluation that expects class ${lib.strings.escapeNixString class}.";

  # A set whose content no argument can change, and the same of all it imports: it can be looked at once for many
  # evaluations.
  isStatic =
    m:
    if isFunction m then
      false
    else if isAttrs m then
      m._type or "module" == "module" && all isStatic (m.imports or [ ] ++ m.require or [ ])
    else if isPath m || isString m then
      isStatic (import m)
    else
      false;

  moduleKey =
    ctx: file: m:
    if isString m then
      if builtins.substring 0 1 m == "/" then m else toString (ctx.args.modulesPath or "") + "/" + m
    else if isAttrs m && m ? key then
      toString m.key
    else if isPath m then
      toString m
    else if isAttrs m then
      throw "Module `${file}` contains a disabledModules item that is an attribute set, presumably a module, that does not have a `key` attribute. This means that the module system doesn't have any means to identify the module that should be disabled. Make sure that you've put the correct value in disabledModules: a string path relative to modulesPath, a path value, or an attribute set with a `key` attribute."
    else if lib.isConvertibleWithToString m then
      toString m
    else
      throw "Each disabledModules item must be a path, string, or a attribute set with a key attribute, or a value supported by toString. However, one of the disabledModules items in `${toString file}` is none of that, but is of type ${typeOf m}.";

  # Whoever is imported has a say, even where another module of that key came first.
  disabledKeys =
    ctx:
    concatMap (
      node:
      map (moduleKey ctx node.module._file) node.module.disabledModules ++ disabledKeys ctx node.children
    );
in
rec {
  /** Where a definition comes from when nobody knows. */
  unknownModule = "<unknown-file>";

  /** A module whose definitions are said to be in a file, unless it says so itself. */
  setDefaultModuleLocation = file: m: {
    _file = file;
    imports = [ m ];
  };

  /** Whether a module can be collected once for many evaluations: no functions in it or in what it imports. */
  _isStatic = isStatic;

  /**
    The node of a module. `ctx` is `{ args; moduleArg; class; isShared; }`: what module functions get, the class that is
    expected, and whether the node is one for many evaluations. `n` numbers modules without a name of their own.
  */
  _toNode =
    ctx: file: parentKey: n: m:
    let
      module = checkClass ctx.class (load ctx file "${parentKey}:anon-${toString n}" m);
    in
    {
      inherit (module) key;
      inherit (ctx) isShared;
      inherit module;
      children = lib.imap1 (_toNode ctx module._file module.key) module.imports;
    };

  /** All modules that a list of nodes leads to, each once, those of the list first, without disabled ones. */
  _closure =
    ctx: nodes:
    let
      disabled = disabledKeys ctx nodes;
      enabled = if disabled == [ ] then lib.id else filter (node: !elem node.key disabled);
    in
    genericClosure {
      startSet = enabled nodes;
      operator = node: enabled node.children;
    };

  /** Who imports whom, for tools: `[{ key, file, disabled, imports }]`. */
  _graph =
    ctx: nodes:
    let
      disabled = disabledKeys ctx nodes;
      show = node: {
        inherit (node) key;
        file = node.module._file;
        disabled = elem node.key disabled;
        imports = map show node.children;
      };
    in
    map show nodes;
}
