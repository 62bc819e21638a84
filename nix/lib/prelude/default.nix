/*
  `lib` as modules know it from nixpkgs: the same names, as far as modules use them, without nixpkgs. Each file makes a
  set of functions of the finished `lib`; the sets are also there under their own names (`lib.strings`, `lib.types`, …).
*/
let
  # What the files see of each other, internals included.
  self =
    trivial
    // debug
    // lists
    // attrsets
    // meta
    // strings
    // asserts
    // show
    // options
    # A module and a value read from a file have one name; the value has it at the top.
    // removeAttrs modules [
      "importJSON"
      "importTOML"
    ]
    // {
      inherit
        trivial
        debug
        lists
        attrsets
        meta
        strings
        asserts
        options
        modules
        ;
      types = load ../types;
      versions = load ./versions.nix;
      generators = load ./generators.nix;
      fixedPoints = {
        inherit (trivial)
          fix
          fix'
          converge
          extends
          composeExtensions
          composeManyExtensions
          makeExtensible
          makeExtensibleWithCustomName
          toExtension
          ;
      };
      inherit (self.types)
        isType
        setType
        isOptionType
        mkOptionType
        defaultTypeMerge
        defaultFunctor
        ;
      # The one name that the top level takes from lists although strings has it too.
      inherit (lists) replicate;
      # What modules get.
      inherit public;
      # The error of what only nixpkgs has.
      _beyond = beyond.refuse;
    };

  load = file: import file { lib = self; };
  beyond = import ./beyond.nix;
  trivial = load ./trivial.nix;
  debug = load ./debug.nix;
  lists = load ./lists.nix // load ./sorting.nix;
  attrsets = load ./attrsets.nix // load ./nested-attrsets.nix;
  meta = load ./meta.nix;
  strings = load ./strings.nix // load ./conversions.nix // load ./escapes.nix;
  asserts = load ./asserts.nix;
  show = load ../modules/show.nix;
  options = load ../modules/options.nix // show;
  modules =
    load ../modules/properties.nix
    // load ../modules/collect.nix
    // load ../modules/declare.nix
    // load ../modules/merge.nix
    // load ../modules/prepare.nix
    // load ../modules/level.nix
    // load ../modules/unknown.nix
    // load ../modules/eval.nix
    // load ../modules/evolve.nix;

  isInternal = name: builtins.substring 0 1 name == "_";
  withoutInternals =
    set: removeAttrs set (builtins.filter isInternal (builtins.attrNames set));

  # Names that nixpkgs has in a set of its own only.
  nested = [
    "assertEachOneOf"
    "checkAssertWarn"
    "commonPrefix"
    "commonPrefixLength"
    "commonSuffixLength"
    "charToInt"
    "defaultOrderPriority"
    "defaultOverridePriority"
    "escapeC"
    "escapeNixIdentifier"
    "escapeNixString"
    "filterOverrides'"
    "findFirstIndex"
    "floatToString"
    "importApply"
    "isConvertibleWithToString"
    "levenshtein"
    "levenshteinAtMost"
    "longestValidPathPrefix"
    "mergeAttrDefinitionsWithPrio"
    "mkAliasAndWrapDefsWithPriority"
    "mkAliasIfDef"
    "normalizePath"
    "renderOptionValue"
    "sanitizeDerivationName"
    "showDefs"
    "storeDir"
    "unionOfDisjoint"
  ];

  own =
    removeAttrs (withoutInternals self) (nested ++ [ "public" ])
    // builtins.mapAttrs (_: withoutInternals) {
      inherit (self)
        types
        modules
        options
        ;
    };

  public =
    beyond.top // own // builtins.mapAttrs (set: missing: missing // own.${set}) beyond.sets;
in
public
