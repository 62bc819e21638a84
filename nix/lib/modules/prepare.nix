/*
  What does not depend on a single evaluation, done once: modules that are no functions, and the tree of the options that
  these declare. A thousand hosts, or the thousand files of one, share it.
*/
{ lib }:
let
  inherit (builtins)
    all
    attrNames
    filter
    map
    removeAttrs
    ;
  inherit (lib) unknownModule;

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
    isShared = true;
  };

  # What modules declare, the last module first.
  declarations =
    nodes:
    map (node: {
      file = node.module._file;
      value = node.module.options;
    }) (lib.reverseList nodes);

  # The options that users see; `all` has `_module` as well, which the evaluation needs for itself.
  withoutModule = whole: {
    nodes = removeAttrs whole.nodes [ "_module" ];
    inherit (whole) names parents;
    # A definition of `_module` says something about the evaluation, which is then no simple one.
    leafNames = filter (name: name != "_module" && whole.nodes.${name}.leaf) (attrNames whole.nodes);
    all = whole;
  };
in
{
  _internalFile = internalFile;

  /** The tree of all that modules declare, given as nodes. */
  _treeOf = nodes: withoutModule (lib._declare (declarations nodes));

  /**
    Modules as far as they can be understood without arguments:
      nodes        of the modules, null for one that has to wait
      sharedKeys   which modules the tree stands for
      tree         what these declare
      isQuiet      all modules are understood, and an evaluation needs nothing of them but the tree
  */
  _prepare =
    {
      modules,
      class,
      specialArgs,
      prefix,
    }:
    let
      ctx = staticCtx class;
      nodeOf =
        n: m: if lib._isStatic m then lib._toNode ctx unknownModule "" n m else null;
      nodes = lib.imap1 nodeOf modules;
      static = filter (node: node != null) nodes;
      closure = lib._closure ctx (static ++ [ internalNode ]);
      internalNode = lib._toNode ctx internalFile "" 0 internalModule;
      sharedKeys = lib.genAttrs (map (node: node.key) closure) (_: null);
    in
    {
      inherit
        modules
        class
        specialArgs
        prefix
        nodes
        internalNode
        sharedKeys
        ;
      tree = lib._treeOf closure;
      isQuiet =
        all (node: node != null) nodes
        && all (node: { } == node.module.config && node.module.disabledModules == [ ]) closure;
    };
}
