# Sets with options of their own, and modules as values.
{ lib }:
let
  inherit (builtins)
    all
    isAttrs
    ;
  inherit (lib) isFunction setDefaultModuleLocation;
  inherit (lib.types) defaultFunctor mkOptionType path;

  submoduleWith =
    {
      modules,
      specialArgs ? { },
      shorthandOnlyDefinesConfig ? false,
      description ? null,
      class ? null,
    }@attrs:
    let
      base = lib._prepare {
        inherit modules class specialArgs;
        prefix = [ ];
      };
      # The configuration without definitions.
      bare =
        modules: prefix:
        lib._evaluate base {
          inherit modules prefix;
          args.name = lib.mkOptionDefault "‹name›";
        };
      # The same for documentation, which does not ask whether definitions have options, and describes module
      # arguments once, not for each submodule.
      documented = bare [
        {
          config._module.check = lib.mkForce false;
          options._module.args = lib.mkOption { internal = true; };
        }
      ];
      shorthand = shorthandOnlyDefinesConfig == true;
      moduleOf =
        { value, file }:
        if isAttrs value && shorthand then
          {
            _file = file;
            config = value;
          }
        else
          setDefaultModuleLocation file value;
      inherit ((documented [ ])._module) freeformType;
      name = "submodule";
    in
    mkOptionType {
      inherit name;
      description =
        if description != null then
          description
        else if freeformType != null then
          "open ${name} of ${
            lib.types.optionDescriptionPhrase (
              class: class == "noun" || class == "composite"
            ) freeformType
          }"
        else
          name;
      check = x: isAttrs x || isFunction x || path.check x;
      merge =
        loc: defs:
        if shorthand && all (def: isAttrs def.value) defs then
          lib._configure base loc defs
        else
          (lib._evaluate base {
            prefix = loc;
            args.name = lib.last loc;
            modules = map (def: moduleOf { inherit (def) value file; }) defs;
          }).config;
      emptyValue.value = (bare [ ] [ ]).config;
      getSubOptions =
        prefix:
        let
          docs = documented prefix;
        in
        docs.options
        // lib.optionalAttrs (docs._module.freeformType != null) {
          _freeformOptions = docs._module.freeformType.getSubOptions prefix;
        };
      getSubModules = modules;
      substSubModules = m: submoduleWith (attrs // { modules = m; });
      nestedTypes = lib.optionalAttrs (freeformType != null) { inherit freeformType; };
      functor = defaultFunctor name // {
        type = submoduleWith;
        payload = {
          inherit
            modules
            class
            specialArgs
            shorthandOnlyDefinesConfig
            description
            ;
        };
        binOp = mergePayloads;
      };
    };

  mergePayloads =
    lhs: rhs:
    let
      common = builtins.attrNames (builtins.intersectAttrs lhs.specialArgs rhs.specialArgs);
      agree =
        what: a: b: problem:
        if a == null then
          b
        else if b == null || a == b then
          a
        else
          throw "A submoduleWith option is declared multiple times with conflicting ${what}${problem}";
    in
    {
      modules = lhs.modules ++ rhs.modules;
      class = agree "class values \"${toString lhs.class}\" and \"${toString rhs.class}\"" lhs.class rhs.class ".";
      specialArgs =
        if common == [ ] then
          lhs.specialArgs // rhs.specialArgs
        else
          throw "A submoduleWith option is declared multiple times with the same specialArgs \"${lib.concatStringsSep "\", \"" common}\"";
      shorthandOnlyDefinesConfig = agree "shorthandOnlyDefinesConfig values" lhs.shorthandOnlyDefinesConfig rhs.shorthandOnlyDefinesConfig "";
      description = agree "descriptions" lhs.description rhs.description "";
    };

  deferredModuleWith =
    {
      staticModules ? [ ],
    }:
    mkOptionType {
      name = "deferredModule";
      description = "module";
      descriptionClass = "noun";
      check = x: isAttrs x || isFunction x || path.check x;
      merge = loc: defs: {
        imports =
          staticModules
          ++ map (
            def: setDefaultModuleLocation "${toString def.file}, via option ${lib.showOption loc}" def.value
          ) defs;
      };
      inherit (submoduleWith { modules = staticModules; }) getSubOptions getSubModules;
      substSubModules = m: deferredModuleWith { staticModules = m; };
      functor = defaultFunctor "deferredModuleWith" // {
        type = deferredModuleWith;
        payload = { inherit staticModules; };
        binOp = lhs: rhs: { staticModules = lhs.staticModules ++ rhs.staticModules; };
      };
    };
in
{
  inherit submoduleWith deferredModuleWith;

  /** A set with the options of one module or of several; a definition is a set, a function or a path. */
  submodule =
    modules:
    submoduleWith {
      shorthandOnlyDefinesConfig = true;
      modules = lib.toList modules;
    };

  /** A module as a value: it is not evaluated here, several are one that imports them all. */
  deferredModule = deferredModuleWith { };
}
