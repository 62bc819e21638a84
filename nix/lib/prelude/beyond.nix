/*
  What nixpkgs' lib has and this one has not. Each name is there and throws a message that says where to get it, so that
  nobody searches for a typing error.
*/
let
  refuse =
    what:
    throw "${what} is not part of NixFleet's own lib; give mkFleet a nixpkgs to have all of it: mkFleet { nixpkgs = …; }";

  missing =
    path: names:
    builtins.listToAttrs (
      map (name: {
        inherit name;
        value = refuse "${path}.${name}";
      }) names
    );
in
{
  inherit refuse;

  # By set.
  sets = {
    attrsets = missing "lib.attrsets" [
      "chooseDevOutputs"
    ];

    debug = missing "lib.debug" [
      "runTests"
      "testAllTrue"
      "throwTestFailures"
      "traceFnSeqN"
      "traceSeqN"
      "traceValSeqFn"
      "traceValSeqN"
      "traceValSeqNFn"
    ];

    generators = missing "lib.generators" [
      "mkDconfKeyValue"
      "mkLuaInline"
      "toDconfINI"
      "toDhall"
      "toLua"
      "toPlist"
    ];

    meta = missing "lib.meta" [
      "addMetaAttrs"
      "appendToName"
      "availableOn"
      "cpeFullVersionWithVendor"
      "defaultPriority"
      "dontDistribute"
      "getLicenseFromSpdxId"
      "getLicenseFromSpdxIdOr"
      "hiPrioSet"
      "licensesSpdx"
      "lowPrioSet"
      "mapDerivationAttrset"
      "platformMatch"
      "setName"
      "updateName"
    ];

    modules = missing "lib.modules" [
      "applyModuleArgsIfFunction"
      "collectModules"
      "fixMergeModules"
      "fixupOptionType"
      "mapDefinitionValue"
      "mergeModules"
      "mergeModules'"
      "mkFixStrictness"
      "unifyModuleSyntax"
    ];

    options = missing "lib.options" [
      "literalCode"
    ];

    strings = missing "lib.strings" [
      "cmakeBool"
      "cmakeFeature"
      "cmakeOptionType"
      "enableFeature"
      "enableFeatureAs"
      "mesonBool"
      "mesonEnable"
      "mesonOption"
      "withFeature"
      "withFeatureAs"
    ];

    trivial = missing "lib.trivial" [
      "codeName"
      "inNixShell"
      "isInOldestRelease"
      "nixpkgsVersion"
      "oldestSupportedRelease"
      "oldestSupportedReleaseIsAtLeast"
      "release"
      "revisionWithDefault"
      "version"
      "versionSuffix"
    ];

    types = missing "lib.types" [
      "attrListOf"
      "attrListWith"
      "fileset"
      "json"
      "loaOf"
      "luaInline"
      "serializableValueWith"
      "shellPackage"
      "toml"
    ];
  };

  # At the top.
  top = missing "lib" [
    "addDrvOutputDependencies"
    "addMetaAttrs"
    "appendToName"
    "applyModuleArgsIfFunction"
    "callPackageWith"
    "callPackagesWith"
    "canCleanSource"
    "checkFlag"
    "checkReqs"
    "chooseDevOutputs"
    "cleanSource"
    "cleanSourceFilter"
    "cleanSourceWith"
    "cli"
    "closePropagation"
    "cmakeBool"
    "cmakeFeature"
    "cmakeOptionType"
    "commitIdFromGitRepo"
    "condConcat"
    "convertHash"
    "customisation"
    "defaultMerge"
    "defaultMergeArg"
    "derivations"
    "dontDistribute"
    "enableFeature"
    "enableFeatureAs"
    "extend"
    "extendDerivation"
    "extendMkDerivation"
    "fakeHash"
    "fakeSha256"
    "fakeSha512"
    "fetchers"
    "fileset"
    "filesystem"
    "filterSource"
    "fixMergeModules"
    "fixupOptionType"
    "flakeRefToString"
    "flakes"
    "foldArgs"
    "fullDepEntry"
    "getLicenseFromSpdxId"
    "getLicenseFromSpdxIdOr"
    "getValue"
    "gvariant"
    "hiPrioSet"
    "hydraJob"
    "ifEnable"
    "imap"
    "inNixShell"
    "innerClosePropagation"
    "innerModifySumArgs"
    "isInOldestRelease"
    "kernel"
    "lazyDerivation"
    "lazyGenericClosure"
    "licenses"
    "licensesSpdx"
    "lowPrioSet"
    "maintainers"
    "makeOverridable"
    "makeScope"
    "makeScopeWithSplicing"
    "makeScopeWithSplicing'"
    "mapCrossIndex"
    "mapDerivationAttrset"
    "maybeAttr"
    "maybeAttrNullable"
    "maybeEnv"
    "mergeAttrBy"
    "mergeAttrByFunc"
    "mergeAttrsByFuncDefaults"
    "mergeAttrsByFuncDefaultsClean"
    "mergeAttrsConcatenateValues"
    "mergeAttrsNoOverride"
    "mergeAttrsWithFunc"
    "mergeModules"
    "mergeModules'"
    "mesonBool"
    "mesonEnable"
    "mesonOption"
    "misc"
    "mkEUI64Suffix"
    "mkFixStrictness"
    "mkLuaInline"
    "modifySumArgs"
    "network"
    "nixType"
    "nixpkgsVersion"
    "noDepEntry"
    "nvs"
    "oldestSupportedReleaseIsAtLeast"
    "overrideDerivation"
    "packEntry"
    "packagesFromDirectoryRecursive"
    "parseFlakeRef"
    "path"
    "pathHasContext"
    "pathIsDirectory"
    "pathIsGitRepo"
    "pathIsRegularFile"
    "pathType"
    "platforms"
    "readFileType"
    "renameCrossIndexFrom"
    "renameCrossIndexTo"
    "repoRevToName"
    "revOrTag"
    "runTests"
    "setAttr"
    "setAttrMerge"
    "setName"
    "sourceByRegex"
    "sourceFilesBySuffices"
    "sourceTypes"
    "sources"
    "stringAfter"
    "stringsWithDeps"
    "systems"
    "teams"
    "testAllTrue"
    "textClosureList"
    "textClosureMap"
    "traceFnSeqN"
    "traceSeqN"
    "traceValSeqFn"
    "traceValSeqN"
    "traceValSeqNFn"
    "unifyModuleSyntax"
    "uniqList"
    "uniqListExt"
    "unsafeDiscardOutputDependency"
    "updateName"
    "version"
    "warnOnInstantiate"
    "withFeature"
    "withFeatureAs"
  ];
}
