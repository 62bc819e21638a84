# Types of paths and packages.
{ lib }:
let
  inherit (builtins) isString match;
  inherit (lib) mergeEqualOption mergeOneOption;
  inherit (lib.types)
    _pathFreeMerge
    addCheck
    mkOptionType
    ;

in
{
  /** A package, or the store path of one. */
  package = mkOptionType {
    name = "package";
    description = "package";
    descriptionClass = "noun";
    check = x: lib.isDerivation x || lib.isStorePath x;
    merge =
      loc: defs:
      let
        res = mergeOneOption loc defs;
      in
      if builtins.isPath res || (isString res && !builtins.hasContext res) then
        lib.toDerivation res
      else
        res;
  };

  /** The package set itself. */
  pkgs =
    addCheck (mkOptionType {
      name = "pkgs";
      descriptionClass = "noun";
      description = "Nixpkgs package set";
      merge = lib.mergeUniqueOption { message = "A Nixpkgs pkgs set can not be merged with another pkgs set."; };
      emptyValue.value = { };
    }) (x: x._type or null == "pkgs");

  /** A path: a path value, or a string that begins with a slash. */
  path = lib.types.pathWith { absolute = true; };

  /** A path that is in the store. */
  pathInStore = lib.types.pathWith { inStore = true; };

  /** A path outside of the store. */
  externalPath = lib.types.pathWith {
    absolute = true;
    inStore = false;
  };

  /** A path that may have to be in the store, or not, and absolute, or not; null means either. */
  pathWith =
    {
      inStore ? null,
      absolute ? null,
    }:
    assert lib.assertMsg (
      inStore != true || absolute != false
    ) "In pathWith, inStore means the path must be absolute";
    mkOptionType {
      name = "path";
      description =
        (if absolute == null then "" else (if absolute then "absolute " else "relative "))
        + "path"
        + (
          if inStore == null then
            ""
          else if inStore then
            " in the Nix store"
          else
            " not in the Nix store"
        );
      descriptionClass = "noun";
      # Its check looks into packages, which may be broken: only when someone needs the value.
      merge = _pathFreeMerge mergeEqualOption;
      check =
        x:
        let
          s = toString x;
          # The second form is where the outputs of content-addressed derivations are before they have a name.
          isInStore =
            match "(${lib.escapeRegex builtins.storeDir}/[0-9a-z]{32}-[^/]+|/[0-9a-z]{52})(/.*)?" s != null;
          isAbsolute = builtins.substring 0 1 s == "/";
        in
        # A path value outside of the store would become part of it when someone makes a string of it.
        (if inStore == false then isString x else lib.isStringLike x)
        && (inStore == null || inStore == isInStore)
        && (absolute == null || absolute == isAbsolute);
      functor = lib.types.defaultFunctor "path" // {
        type = lib.types.pathWith;
        payload = { inherit inStore absolute; };
        binOp = a: b: if a == b then a else null;
      };
    };
}
