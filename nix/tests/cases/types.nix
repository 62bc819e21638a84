# lib.types: what each accepts, and what several definitions become.
{ lib }:
let
  inherit (lib) types mkOption mkIf mkMerge mkForce mkDefault mkBefore mkAfter;

  # The value of an option of a type with these definitions, each from a module of its own, the last one first.
  merge =
    type: values:
    (lib.evalModules {
      modules = [ { options.x = mkOption { inherit type; }; } ] ++ map (x: { inherit x; }) (lib.reverseList values);
    }).config.x;
  accepts = type: values: map type.check values;
  fails = x: !(builtins.tryEval (builtins.deepSeq x null)).success;
  description = type: type.description;
  sub = types.submodule {
    options = {
      a = mkOption { type = types.int; default = 1; };
      b = mkOption { type = types.listOf types.int; default = [ ]; };
    };
  };
in
{
  addCheck = [
    [ (accepts (types.addCheck types.int (x: x > 3)) [ 4 3 "x" ]) [ true false false ] ]
    [ (merge (types.addCheck types.int (x: x > 3)) [ 4 ]) 4 ]
  ];
  anything = [
    [ (merge types.anything [ { a.b = 1; } { a.c = "x"; } ]) { a = { b = 1; c = "x"; }; } ]
    [ (merge types.anything [ { a = mkDefault 1; } { a = 2; } ]) { a = 2; } ]
    [ (fails (merge types.anything [ [ 1 ] [ 2 ] ])) true ]
    [ (merge types.anything [ [ 1 ] ]) [ 1 ] ]
    [ (merge types.anything [ (x: { a = x; }) (x: { b = x; }) ] 1) { a = 1; b = 1; } ]
  ];
  attrTag =
    let
      tag = types.attrTag { left = mkOption { type = types.int; }; right = mkOption { type = types.str; }; };
    in
    [
      [ (merge tag [ { left = 1; } ]) { left = 1; } ]
      [ (accepts tag [ { left = 1; } { up = 1; } { } { left = 1; right = "x"; } 1 ]) [ true false false false false ] ]
      [ (fails (merge tag [ { left = 1; } { right = "x"; } ])) true ]
    ];
  attrs = [ [ (merge types.attrs [ { a = 1; } { b = 2; } ]) { a = 1; b = 2; } ] [ (accepts types.attrs [ { } 1 ]) [ true false ] ] ];
  attrsOf = [
    [ (merge (types.attrsOf types.int) [ { a = 1; } { b = 2; } ]) { a = 1; b = 2; } ]
    [ (merge (types.attrsOf types.int) [ { a = mkIf false 1; b = 2; } ]) { b = 2; } ]
    [ (merge (types.attrsOf types.int) [ { a = mkForce 1; } { a = 2; } ]) { a = 1; } ]
    [ (merge (types.attrsOf (types.listOf types.int)) [ { a = mkAfter [ 1 ]; } { a = [ 2 ]; } (mkMerge [ { a = mkBefore [ 0 ]; } { c = [ ]; } ]) ]) { a = [ 0 2 1 ]; c = [ ]; } ]
    [ (fails (merge (types.attrsOf types.int) [ { a = "x"; } ])) true ]
    [ (description (types.attrsOf (types.nullOr types.str))) "attribute set of (null or string)" ]
  ];
  attrsWith = [
    [ (merge (types.attrsWith { elemType = types.int; lazy = true; }) [ { a = 1; } ]) { a = 1; } ]
    [ (lib.attrNames ((types.attrsWith { elemType = sub; placeholder = "host"; }).getSubOptions [ "x" ])) [ "_module" "a" "b" ] ]
  ];
  bool = [ [ (merge types.bool [ true true ]) true ] [ (fails (merge types.bool [ true false ])) true ] [ (accepts types.bool [ true "true" ]) [ true false ] ] ];
  boolByOr = [ [ (merge types.boolByOr [ false true ]) true ] ];
  coercedTo =
    let
      t = types.coercedTo types.int toString types.str;
    in
    [
      [ (merge t [ 1 ]) "1" ]
      [ (merge t [ "x" ]) "x" ]
      [ (accepts t [ 1 "x" true ]) [ true true false ] ]
      [ (merge (types.listOf t) [ [ 1 "x" ] ]) [ "1" "x" ] ]
    ];
  commas = [ [ (merge types.commas [ "a" "b" ]) "a,b" ] ];
  defaultFunctor = [ [ (types.defaultFunctor "x").name "x" ] ];
  defaultTypeMerge = [
    [ (types.defaultTypeMerge types.int.functor types.int.functor).name "int" ]
    [ (types.defaultTypeMerge types.int.functor types.str.functor) null ]
  ];
  deferredModule = [
    [
      (lib.evalModules {
        modules = [
          { options.a = mkOption { type = types.listOf types.int; }; }
          (merge types.deferredModule [ { a = [ 1 ]; } ({ ... }: { a = [ 2 ]; }) ])
        ];
      }).config.a
      [ 2 1 ]
    ]
  ];
  deferredModuleWith = [
    [
      (lib.evalModules {
        modules = [ (merge (types.deferredModuleWith { staticModules = [ { options.a = mkOption { default = 3; }; } ]; }) [ { } ]) ];
      }).config.a
      3
    ]
  ];
  either = [
    [ (merge (types.either types.int types.str) [ 1 ]) 1 ]
    [ (accepts (types.either types.int types.str) [ 1 "x" true ]) [ true true false ] ]
    [ (merge (types.either types.int (types.listOf types.int)) [ [ 1 ] [ 2 ] ]) [ 1 2 ] ]
    [ (description (types.either (types.listOf types.str) types.int)) "(list of string) or signed integer" ]
  ];
  enum = [
    [ (merge (types.enum [ "a" "b" ]) [ "a" "a" ]) "a" ]
    [ (accepts (types.enum [ "a" 1 ]) [ "a" 1 "b" ]) [ true true false ] ]
    [ (description (types.enum [ "a" 1 true null ])) ''one of "a", 1, true, <null>'' ]
    [ (description (types.enum [ "a" ])) ''value "a" (singular enum)'' ]
  ];
  envVar = [ [ (merge types.envVar [ "/a" "/b" ]) "/a:/b" ] ];
  externalPath = [ [ (accepts types.externalPath [ "/etc" "etc" "${builtins.storeDir}/0lz9p8xhf89kb1c1kk6jxrzskaiygnlh-x" ]) [ true false false ] ] ];
  float = [ [ (accepts types.float [ 1.5 1 ]) [ true false ] ] [ (merge types.float [ 1.5 ]) 1.5 ] ];
  functionTo = [
    [ (merge (types.functionTo (types.listOf types.int)) [ (x: [ x ]) (x: [ (x + 1) ]) ] 1) [ 1 2 ] ]
    [ (fails (merge (types.functionTo types.int) [ (_: "x") ] 1)) true ]
  ];
  int = [ [ (merge types.int [ 1 1 ]) 1 ] [ (fails (merge types.int [ 1 2 ])) true ] [ (accepts types.int [ 1 1.0 "1" ]) [ true false false ] ] ];
  ints = [
    [ (accepts (types.ints.between 1 3) [ 0 1 3 4 ]) [ false true true false ] ]
    [ (accepts types.ints.unsigned [ (-1) 0 ]) [ false true ] ]
    [ (accepts types.ints.positive [ 0 1 ]) [ false true ] ]
    [ (accepts types.ints.u8 [ (-1) 255 256 ]) [ false true false ] ]
    [ (accepts types.ints.u16 [ 65535 65536 ]) [ true false ] ]
    [ (accepts types.ints.u32 [ 4294967295 4294967296 ]) [ true false ] ]
    [ (accepts types.ints.s8 [ (-129) (-128) 127 128 ]) [ false true true false ] ]
    [ (accepts types.ints.s16 [ (-32768) 32768 ]) [ true false ] ]
    [ (accepts types.ints.s32 [ (-2147483648) 2147483648 ]) [ true false ] ]
    [ (description (types.ints.between 1 3)) "integer between 1 and 3 (both inclusive)" ]
  ];
  isOptionType = [ [ (types.isOptionType types.int) true ] [ (types.isOptionType 1) false ] ];
  isType = [ [ (types.isType "option-type" types.int) true ] [ (lib.isType "x" { _type = "y"; }) false ] ];
  lazyAttrsOf = [
    [ (merge (types.lazyAttrsOf types.int) [ { a = 1; b = throw "not looked at"; } ]).a 1 ]
    [ (lib.attrNames (merge (types.lazyAttrsOf types.int) [ { a = mkIf false 1; } ])) [ "a" ] ]
    [ (merge (types.lazyAttrsOf (types.listOf types.int)) [ { a = mkIf false [ 1 ]; } ]) { a = [ ]; } ]
  ];
  lines = [ [ (merge types.lines [ "a" "b" ]) "a\nb" ] [ (merge types.lines [ (mkAfter "z") "a" ]) "a\nz" ] ];
  listOf = [
    [ (merge (types.listOf types.int) [ [ 1 ] [ 2 ] ]) [ 1 2 ] ]
    [ (merge (types.listOf types.int) [ [ 1 (mkIf false 2) (mkIf true 3) ] ]) [ 1 3 ] ]
    [ (merge (types.listOf types.int) [ (mkAfter [ 3 ]) [ 2 ] (mkBefore [ 1 ]) ]) [ 1 2 3 ] ]
    [ (merge (types.listOf sub) [ [ { a = 2; } ] ]) [ { a = 2; b = [ ]; } ] ]
    [ (merge (types.listOf types.int) [ ]) [ ] "26.05" ]
    [ (fails (merge (types.listOf types.int) [ [ "x" ] ])) true ]
  ];
  mkOptionType = [
    [ (merge (types.mkOptionType { name = "even"; check = x: lib.mod x 2 == 0; merge = _loc: defs: lib.foldl' (a: d: a + d.value) 0 defs; }) [ 2 4 ]) 6 ]
    [ (merge (types.mkOptionType { name = "where"; merge = loc: _defs: lib.showOption loc; }) [ 1 ]) "x" ]
  ];
  nonEmptyListOf = [ [ (accepts (types.nonEmptyListOf types.int) [ [ ] [ 1 ] ]) [ false true ] ] [ (merge (types.nonEmptyListOf types.int) [ [ 1 ] [ 2 ] ]) [ 1 2 ] ] ];
  nonEmptyStr = [ [ (accepts types.nonEmptyStr [ "" " \n" "x" ]) [ false false true ] ] ];
  nullOr = [
    [ (accepts (types.nullOr types.int) [ null 1 "x" ]) [ true true false ] ]
    [ (merge (types.nullOr types.int) [ null null ]) null ]
    [ (fails (merge (types.nullOr types.int) [ null 1 ])) true ]
    [ (merge (types.nullOr types.lines) [ "a" "b" ]) "a\nb" ]
    [ (merge (types.nullOr types.int) [ ]) null "26.05" ]
  ];
  number = [ [ (accepts types.number [ 1 1.5 "1" ]) [ true true false ] ] ];
  numbers = [
    [ (accepts (types.numbers.between 0 1) [ 0.5 1 2 ]) [ true true false ] ]
    [ (accepts types.numbers.positive [ 0 0.1 ]) [ false true ] ]
    [ (accepts types.numbers.nonnegative [ 0 (-0.1) ]) [ true false ] ]
  ];
  oneOf = [ [ (accepts (types.oneOf [ types.int types.str types.bool ]) [ 1 "x" true null ]) [ true true true false ] ] ];
  optionDeclaration = [ [ (merge types.optionDeclaration [ (mkOption { type = types.int; }) ]).type.name "int" ] [ (accepts types.optionDeclaration [ 1 ]) [ false ] ] ];
  mergeTypes = [
    [ (types.mergeTypes (types.enum [ 1 ]) (types.enum [ 2 ])).description "one of 1, 2" ]
    [ (types.mergeTypes types.int types.str)._type "merge-error" ]
  ];
  optionDescriptionPhrase = [
    [ (types.optionDescriptionPhrase (c: c == "noun") types.int) "signed integer" ]
    [ (types.optionDescriptionPhrase (c: c == "noun") (types.listOf types.int)) "(list of signed integer)" ]
  ];
  optionType = [ [ (merge types.optionType [ types.int ]).name "int" ] [ (accepts types.optionType [ types.int 1 ]) [ true false ] ] ];
  package = [
    [ (accepts types.package [ { type = "derivation"; } "/etc" 1 ]) [ true false false ] ]
    [ (merge types.package [ { type = "derivation"; name = "x"; } ]).name "x" ]
    [ (merge types.package [ (builtins.unsafeDiscardStringContext "${builtins.toFile "p" ""}") ]).type "derivation" ]
  ];
  passwdEntry = [ [ (accepts (types.passwdEntry types.str) [ "a" "a:b" "a\nb" ]) [ true false false ] ] ];
  path = [
    [ (accepts types.path [ ./. "/etc" "etc" { outPath = "/x"; } 1 ]) [ true true false true false ] ]
    [ (merge types.path [ "/etc" "/etc" ]) "/etc" ]
    [ (description types.path) "absolute path" ]
  ];
  pathInStore = [ [ (accepts types.pathInStore [ "${builtins.storeDir}/0lz9p8xhf89kb1c1kk6jxrzskaiygnlh-x" "/etc" builtins.storeDir ]) [ true false false ] ] ];
  pathWith = [ [ (accepts (types.pathWith { absolute = false; }) [ "a/b" "/a" ]) [ true false ] ] ];
  pkgs = [ [ (accepts types.pkgs [ { _type = "pkgs"; } { } ]) [ true false ] ] ];
  port = [ [ (accepts types.port [ (-1) 0 65535 65536 ]) [ false true true false ] ] [ (description types.port) "16 bit unsigned integer; between 0 and 65535 (both inclusive)" ] ];
  raw = [ [ (merge types.raw [ { _type = "something"; a = 1; } ]) { _type = "something"; a = 1; } ] [ (fails (merge types.raw [ 1 1 ])) true ] ];
  separatedString = [ [ (merge (types.separatedString "+") [ "a" "b" ]) "a+b" ] ];
  setType = [ [ (types.setType "t" { a = 1; }) { _type = "t"; a = 1; } ] ];
  singleLineStr = [ [ (accepts types.singleLineStr [ "a" "a\n" "a\nb" ]) [ true true false ] ] [ (merge types.singleLineStr [ "a\n" ]) "a" ] ];
  str = [ [ (merge types.str [ "a" "a" ]) "a" ] [ (fails (merge types.str [ "a" "b" ])) true ] [ (accepts types.str [ "a" ./. 1 ]) [ true false false ] ] ];
  strMatching = [ [ (accepts (types.strMatching "a+") [ "aa" "ab" 1 ]) [ true false false ] ] [ (description (types.strMatching "a+")) "string matching the pattern a+" ] ];
  submodule = [
    [ (merge sub [ { a = 2; } { b = [ 1 ]; } ]) { a = 2; b = [ 1 ]; } ]
    [ (merge sub [ (mkIf false { a = 2; }) { } ]) { a = 1; b = [ ]; } ]
    [ (merge sub [ (mkForce { a = 2; }) { a = 3; } ]) { a = 2; b = [ ]; } ]
    [ (merge sub [ { a = mkForce 2; } { a = 3; } ]) { a = 2; b = [ ]; } ]
    # A function or a path is a whole module.
    [ (merge sub [ ({ config, ... }: { b = [ config.a ]; }) { a = 5; } ]) { a = 5; b = [ 5 ]; } ]
    [ (merge (types.attrsOf (types.submodule ({ name, ... }: { options.n = mkOption { default = name; }; }))) [ { k = { }; } ]) { k = { n = "k"; }; } ]
    [ (merge (types.submodule { freeformType = types.attrsOf types.int; options.a = mkOption { default = 1; }; }) [ { z = 2; } ]) { a = 1; z = 2; } ]
    # Options named like parts of a module are options here.
    [ (merge (types.submodule { options.config = mkOption { default = 1; }; }) [ { config = 2; } ]) { config = 2; } ]
    # A default that reads the option itself from outside is looked at when it is needed.
    [
      (lib.evalModules {
        modules = [
          (
            { config, ... }:
            {
              options.s = mkOption {
                default = { };
                type = types.submodule {
                  options = {
                    one = mkOption { default = config.s.two; };
                    two = mkOption { type = types.int; default = 2; };
                  };
                };
              };
            }
          )
        ];
      }).config.s
      { one = 2; two = 2; }
    ]
    [ (fails (merge sub [ { c = 1; } ])) true ]
    [ (merge sub [ ]) { a = 1; b = [ ]; } "26.05" ]
    [ (lib.attrNames (sub.getSubOptions [ ])) [ "_module" "a" "b" ] ]
  ];
  submoduleWith = [
    [
      (merge (types.submoduleWith { modules = [ ({ extra, ... }: { options.a = mkOption { default = extra; }; }) ]; specialArgs.extra = 7; }) [ { } ])
      { a = 7; }
    ]
    # Without the shorthand rule a set is a whole module.
    [ (merge (types.submoduleWith { modules = [ { options.a = mkOption { }; } ]; }) [ { config.a = 1; } ]) { a = 1; } ]
    [ (description (types.submoduleWith { modules = [ ]; description = "a thing"; })) "a thing" ]
  ];
  uniq = [ [ (merge (types.uniq types.int) [ 1 ]) 1 ] [ (fails (merge (types.uniq types.int) [ 1 1 ])) true ] ];
  unique = [ [ (merge (types.unique { message = "once"; } types.int) [ 1 ]) 1 ] [ (fails (merge (types.unique { message = "once"; } types.int) [ 1 1 ])) true ] ];
  unspecified = [ [ (merge types.unspecified [ { a = 1; } { b = 2; } ]) { a = 1; b = 2; } ] ];
}
