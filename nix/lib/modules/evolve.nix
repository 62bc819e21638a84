# Modules for options that got another name or went away.
{ lib }:
let
  inherit (lib)
    attrByPath
    getAttrFromPath
    isOption
    mkIf
    mkMerge
    mkOption
    mkOverride
    setAttrByPath
    showOption
    ;

  # Of NixOS, as year and month, when this was written.
  oldestSupportedRelease = 2511;
in
rec {
  /** A module that fails, with a reason, if anyone defines an option that is gone. */
  mkRemovedOptionModule =
    optionName: replacementInstructions:
    { options, ... }:
    {
      options = setAttrByPath optionName (mkOption {
        visible = false;
        apply = _: throw "The option `${showOption optionName}' can no longer be used since it's been removed. ${replacementInstructions}";
        description = "Removed.";
      });
      config.assertions =
        let
          opt = getAttrFromPath optionName options;
        in
        [
          {
            assertion = !opt.isDefined;
            message = "The option definition `${showOption optionName}' in ${lib.showFiles opt.files} no longer has any effect; please remove it.\n${replacementInstructions}\n";
          }
        ];
    };

  /** A module that passes definitions on to the new name, with a warning. */
  mkRenamedOptionModule =
    from: to:
    doRename {
      inherit from to;
      visible = false;
      warn = true;
      use = builtins.trace "Obsolete option `${showOption from}' is used. It was renamed to `${showOption to}'.";
    };

  /** `mkRenamedOptionModule` that warns once every supported release of NixOS has the new name. */
  mkRenamedOptionModuleWith =
    {
      from,
      to,
      sinceRelease,
    }:
    let
      warn = sinceRelease <= oldestSupportedRelease;
    in
    doRename {
      inherit from to warn;
      visible = false;
      use = lib.warnIf warn "Obsolete option `${showOption from}' is used. It was renamed to `${showOption to}'.";
    };

  /** A module by which two names mean one option. */
  mkAliasOptionModule =
    from: to:
    doRename {
      inherit from to;
      visible = true;
      warn = false;
      use = x: x;
    };

  /** The same, of the time when some descriptions were DocBook. */
  mkAliasOptionModuleMD = mkAliasOptionModule;

  /** A module that computes the new option from the old one. */
  mkChangedOptionModule =
    from: to: changeFn:
    mkMergedOptionModule [ from ] to changeFn;

  /** A module that computes a new option from several old ones. */
  mkMergedOptionModule =
    from: to: mergeFn:
    { config, options, ... }:
    {
      options = lib.foldl' lib.recursiveUpdate { } (
        map (
          path:
          setAttrByPath path (mkOption {
            visible = false;
            # What is not defined has a value that nobody can mistake for one.
            default = "_mkMergedOptionModule";
            description = "Replaced.";
          })
        ) from
      );
      config =
        {
          warnings = lib.filter (x: x != "") (
            map (
              f:
              let
                val = getAttrFromPath f config;
                opt = getAttrFromPath f options;
              in
              lib.optionalString (val != "_mkMergedOptionModule")
                "The option `${showOption f}' defined in ${lib.showFiles opt.files} has been changed to `${showOption to}' that has a different type. Please read `${showOption to}' documentation and update your configuration accordingly."
            ) from
          );
        }
        // setAttrByPath to (
          mkMerge (
            lib.optional (lib.any (f: (getAttrFromPath f config) != "_mkMergedOptionModule") from) (mergeFn config)
          )
        );
    };

  /** The general form of renaming: see the callers above for what the arguments mean. */
  doRename =
    {
      from,
      to,
      visible,
      warn,
      use,
      withPriority ? true,
      condition ? true,
    }:
    { config, options, ... }:
    let
      fromOpt = getAttrFromPath from options;
      toOf = attrByPath to (throw "Renaming error: option `${showOption to}' does not exist.");
      toType =
        let
          opt = attrByPath to { } options;
        in
        opt.type or (lib.types.submodule { });
    in
    {
      options = setAttrByPath from (
        mkOption (
          {
            inherit visible;
            description = "Alias of {option}`${showOption to}`.";
            apply = x: use (toOf config);
          }
          // lib.optionalAttrs (toType != null) { type = toType; }
        )
      );
      config = mkIf condition (mkMerge [
        (lib.optionalAttrs (options ? warnings) {
          warnings = lib.optional (warn && fromOpt.isDefined)
            "The option `${showOption from}' defined in ${lib.showFiles fromOpt.files} has been renamed to `${showOption to}'.";
        })
        (
          if withPriority then
            lib.mkAliasAndWrapDefsWithPriority (setAttrByPath to) fromOpt
          else
            lib.mkAliasAndWrapDefinitions (setAttrByPath to) fromOpt
        )
      ]);
    };

  /** The definitions of an option, as a definition of another. */
  mkAliasDefinitions = mkAliasAndWrapDefinitions lib.id;

  /** `mkAliasDefinitions` with something wrapped around. */
  mkAliasAndWrapDefinitions = wrap: option: mkAliasIfDef option (wrap (mkMerge option.definitions));

  /** `mkAliasAndWrapDefinitions` that keeps the priority. */
  mkAliasAndWrapDefsWithPriority =
    wrap: option:
    let
      prio = option.highestPrio or lib.defaultOverridePriority;
      withPrio = map (mkOverride prio) option.definitions;
    in
    mkAliasIfDef option (wrap (mkMerge withPrio));

  /** A definition that a function computes from the value of an option, and that has the option's priority. */
  mkDerivedConfig = option: f: mkOverride (option.highestPrio or lib.defaultOverridePriority) (f option.value);

  /** A definition that counts if an option is defined. */
  mkAliasIfDef = option: mkIf (isOption option && option.isDefined);

  /** A module from a JSON file of definitions. */
  importJSON = file: {
    _file = file;
    config = lib.trivial.importJSON file;
  };

  /** A module from a TOML file of definitions. */
  importTOML = file: {
    _file = file;
    config = lib.trivial.importTOML file;
  };

  /** Imports a file that holds a function to a module, and calls it; errors still name the file. */
  importApply =
    modulePath: staticArg:
    lib.setDefaultModuleLocation modulePath (import modulePath staticArg);
}
