/*
  `lib` as modules know it from nixpkgs: the same names, as far as modules use them, without nixpkgs. Each file makes a
  set of functions of the finished `lib`; the sets are also there under their own names (`lib.strings`, `lib.types`, …).
*/
let
  lib =
    let
      load = file: import file { inherit lib; };
      trivial = load ./trivial.nix;
      lists = load ./lists.nix;
      attrsets = load ./attrsets.nix;
      escapes = load ./escapes.nix;
      strings = load ./strings.nix;
      asserts = load ./asserts.nix;
      properties = load ../modules/properties.nix;
      show = load ../modules/show.nix;
      options = load ../modules/options.nix;
      modules =
        properties
        // load ../modules/collect.nix
        // load ../modules/declare.nix
        // load ../modules/merge.nix
        // load ../modules/eval.nix
        // load ../modules/evolve.nix;
    in
    trivial
    // lists
    // attrsets
    // strings
    // escapes
    // asserts
    // show
    // options
    // modules
    // {
      inherit
        trivial
        lists
        attrsets
        escapes
        asserts
        modules
        ;
      strings = strings // escapes;
      options = options // show;
      fixedPoints = {
        inherit (trivial)
          fix
          extends
          composeExtensions
          composeManyExtensions
          makeExtensible
          ;
      };
      versions = load ./versions.nix;
      generators = load ./generators.nix;
      types = load ../types;
      inherit (lib.types)
        isType
        setType
        isOptionType
        mkOptionType
        defaultTypeMerge
        defaultFunctor
        ;
      # The one name that the top level takes from lists although strings has it too.
      inherit (lists) replicate;
    };
in
lib
