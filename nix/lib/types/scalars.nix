# Types of single values: booleans, numbers, strings, paths, packages, enumerations, and of anything at all.
{ lib }:
let
  inherit (builtins)
    elem
    head
    isAttrs
    isBool
    isFloat
    isInt
    isString
    length
    match
    tail
    typeOf
    ;
  inherit (lib)
    getValues
    mergeEqualOption
    mergeOneOption
    showOption
    ;
  inherit (lib.types)
    _pathFreeMerge
    _plainMerge
    addCheck
    mkOptionType
    ;

  mergeEqual = _plainMerge mergeEqualOption;

  numberBetween =
    base: lowest: highest:
    assert lib.assertMsg (lowest <= highest)
      "numbers.between: lowest must be smaller than highest";
    addCheck base (x: x >= lowest && x <= highest)
    // {
      name = "numberBetween";
      description = "integer or floating point number between ${toString lowest} and ${toString highest} (both inclusive)";
      functor = lib.types.defaultFunctor "numberBetween";
    };

  intBetween =
    lowest: highest:
    assert lib.assertMsg (lowest <= highest) "ints.between: lowest must be smaller than highest";
    addCheck int (x: x >= lowest && x <= highest)
    // {
      name = "intBetween";
      description = "integer between ${toString lowest} and ${toString highest} (both inclusive)";
      descriptionClass = "noun";
    };

  sized =
    name: desc: lowest: highest:
    intBetween lowest highest
    // {
      inherit name;
      description = "${desc}; between ${toString lowest} and ${toString highest} (both inclusive)";
    };

  unsigned =
    bit: range:
    sized "unsignedInt${toString bit}" "${toString bit} bit unsigned integer" 0 (range - 1);

  signed =
    bit: range:
    sized "signedInt${toString bit}" "${toString bit} bit signed integer" (0 - (range / 2)) (range / 2 - 1);

  int = mkOptionType {
    name = "int";
    description = "signed integer";
    descriptionClass = "noun";
    check = isInt;
    merge = mergeEqual;
  };

  float = mkOptionType {
    name = "float";
    description = "floating point number";
    descriptionClass = "noun";
    check = isFloat;
    merge = mergeEqual;
  };

  str = mkOptionType {
    name = "str";
    description = "string";
    descriptionClass = "noun";
    check = isString;
    merge = mergeEqual;
  };

  separatedString =
    sep:
    mkOptionType {
      name = "separatedString";
      description = "strings concatenated with ${lib.strings.escapeNixString sep}";
      descriptionClass = "noun";
      check = isString;
      merge = _plainMerge (_loc: defs: lib.concatStringsSep sep (getValues defs));
      functor = lib.types.defaultFunctor "separatedString" // {
        payload = { inherit sep; };
        type = payload: separatedString payload.sep;
        binOp = a: b: if a.sep == b.sep then { inherit (a) sep; } else null;
      };
      };

  nonEmptyCheck = x: match "[ \t\n]*" x == null;
in
{
  inherit
    int
    float
    str
    separatedString
    ;

  /** Any value, by the rules of `mergeDefaultOption`; what an option without a type has. */
  unspecified = mkOptionType {
    name = "unspecified";
    description = "unspecified value";
    descriptionClass = "noun";
  };

  /** Any value, defined once, not looked at. */
  raw = mkOptionType {
    name = "raw";
    description = "raw value";
    descriptionClass = "noun";
    check = _: true;
    merge = _plainMerge mergeOneOption;
  };

  /** Any value; sets are merged deeply, everything else must be equal. */
  anything = mkOptionType {
    name = "anything";
    description = "anything";
    descriptionClass = "noun";
    check = _: true;
    merge =
      loc: defs:
      let
        typeOfDef =
          def: if isAttrs def.value && lib.isStringLike def.value then "stringCoercibleSet" else typeOf def.value;
        commonType = lib.foldl' (
          type: def:
          if typeOfDef def == type then
            type
          else
            throw "The option `${showOption loc}' has conflicting option types in ${lib.showFiles (lib.getFiles defs)}"
        ) (typeOfDef (head defs)) defs;
        mergeFunction =
          {
            set = (lib.types.attrsOf lib.types.anything).merge;
            stringCoercibleSet = mergeOneOption;
            lambda =
              loc: defs: arg:
              lib.types.anything.merge (loc ++ [ "<function body>" ]) (
                map (def: {
                  inherit (def) file;
                  value = def.value arg;
                }) defs
              );
          }
          .${commonType} or mergeEqualOption;
      in
      mergeFunction loc defs;
  };

  /** true or false. */
  bool = mkOptionType {
    name = "bool";
    description = "boolean";
    descriptionClass = "noun";
    check = isBool;
    merge = mergeEqual;
  };

  /** true if any definition says so. */
  boolByOr = mkOptionType {
    name = "boolByOr";
    description = "boolean (merged using or)";
    descriptionClass = "noun";
    check = isBool;
    merge = _plainMerge (_loc: defs: lib.any (def: def.value) defs);
  };

  /** Integers in a range: between, unsigned, positive, u8, u16, u32, s8, s16, s32. */
  ints = {
    between = intBetween;
    unsigned =
      addCheck int (x: x >= 0)
      // {
        name = "unsignedInt";
        description = "unsigned integer, meaning >=0";
        descriptionClass = "nonRestrictiveClause";
      };
    positive =
      addCheck int (x: x > 0)
      // {
        name = "positiveInt";
        description = "positive integer, meaning >0";
        descriptionClass = "nonRestrictiveClause";
      };
    u8 = unsigned 8 256;
    u16 = unsigned 16 65536;
    u32 = unsigned 32 4294967296;
    s8 = signed 8 256;
    s16 = signed 16 65536;
    s32 = signed 32 4294967296;
  };

  /** A TCP or UDP port. */
  port = sized "unsignedInt16" "16 bit unsigned integer" 0 65535;

  /** An integer or a float. */
  number = lib.types.either int float;

  /** Numbers in a range: between, positive, nonnegative. */
  numbers = {
    between = numberBetween (lib.types.either int float);
    positive =
      addCheck (lib.types.either int float) (x: x > 0)
      // {
        name = "numberPositive";
        description = "positive integer or floating point number, meaning >0";
        descriptionClass = "nonRestrictiveClause";
        functor = lib.types.defaultFunctor "numberPositive";
      };
    nonnegative =
      addCheck (lib.types.either int float) (x: x >= 0)
      // {
        name = "numberNonnegative";
        description = "nonnegative integer or floating point number, meaning >=0";
        descriptionClass = "nonRestrictiveClause";
        functor = lib.types.defaultFunctor "numberNonnegative";
      };
  };

  /** A string with more in it than white space. */
  nonEmptyStr = mkOptionType {
    name = "nonEmptyStr";
    description = "non-empty string";
    descriptionClass = "noun";
    check = x: isString x && nonEmptyCheck x;
    merge = mergeEqual;
  };

  /** A string of one line; a newline at its end is taken off. */
  singleLineStr = mkOptionType {
    name = "singleLineStr";
    description = "(optionally newline-terminated) single-line string";
    descriptionClass = "noun";
    check = x: isString x && match "[^\n\r]*\n?" x != null;
    merge = _pathFreeMerge (loc: defs: lib.removeSuffix "\n" (mergeEqualOption loc defs));
  };

  /** A string that a regular expression matches as a whole. */
  strMatching =
    pattern:
    mkOptionType {
      name = "strMatching ${lib.strings.escapeNixString pattern}";
      description = "string matching the pattern ${pattern}";
      descriptionClass = "noun";
      check = x: isString x && match pattern x != null;
      merge = mergeEqual;
      functor = lib.types.defaultFunctor "strMatching" // {
        type = payload: lib.types.strMatching payload.pattern;
        payload = { inherit pattern; };
        binOp = a: b: if a == b then a else null;
      };
      };

  /** Strings joined by newlines. */
  lines = separatedString "\n";

  /** Strings joined by commas. */
  commas = separatedString ",";

  /** Strings joined by spaces, as environment variables have them. */
  envVar = separatedString ":";

  /** A string that is not merged, with a hint of being a password hash or the like. */
  passwdEntry =
    entryType:
    addCheck entryType (x: !lib.hasInfix ":" x && !lib.hasInfix "\n" x)
    // {
      name = "passwdEntry ${entryType.name}";
      description = "${
        lib.types.optionDescriptionPhrase (class: class == "noun") entryType
      }, not containing newlines or colons";
      descriptionClass = "nonRestrictiveClause";
    };

  /** One of the values of a list. */
  enum =
    values:
    let
      show =
        v:
        if isString v then
          ''"${v}"''
        else if isInt v then
          toString v
        else if isBool v then
          lib.boolToString v
        else
          "<${typeOf v}>";
    in
    mkOptionType {
      name = "enum";
      description =
        if values == [ ] then
          "impossible (empty enum)"
        else if length values == 1 then
          "value ${show (head values)} (singular enum)"
        else
          "one of ${lib.concatMapStringsSep ", " show values}";
      descriptionClass = if length values < 2 then "noun" else "conjunction";
      check = x: elem x values;
      merge = mergeEqual;
      functor = lib.types.defaultFunctor "enum" // {
        payload = { inherit values; };
        type = payload: lib.types.enum payload.values;
        binOp = a: b: { values = lib.unique (a.values ++ b.values); };
      };
      };

  /** A set; several are merged attribute by attribute, later ones win, so that `attrsOf anything` is the better choice. */
  attrs = mkOptionType {
    name = "attrs";
    description = "attribute set";
    check = isAttrs;
    merge = _loc: lib.foldl' (res: def: res // def.value) { };
    emptyValue.value = { };
  };

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
      merge = mergeOneOption;
    }) (x: x._type or null == "pkgs")
    // {
      name = "pkgs";
    };

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
          # A path value that is not in the store would become part of it when someone makes a string of it.
          s = if builtins.isPath x && inStore == false then "${x}" else toString x;
          # The second form is where the outputs of content-addressed derivations are before they have a name.
          isInStore =
            match "(${lib.escapeRegex builtins.storeDir}/[0-9a-z]{32}-[^/]+|/[0-9a-z]{52})(/.*)?" s != null;
          isAbsolute = builtins.substring 0 1 s == "/";
        in
        lib.isStringLike x
        && (inStore == null || inStore == isInStore)
        && (absolute == null || absolute == isAbsolute);
      functor = lib.types.defaultFunctor "path" // {
        type = lib.types.pathWith;
        payload = { inherit inStore absolute; };
        binOp = a: b: if a == b then a else null;
      };
      };

  /** An option's declaration as the value of an option; several are merged. */
  optionDeclaration = mkOptionType {
    name = "optionDeclaration";
    description = "option declaration";
    descriptionClass = "noun";
    # An option of an evaluation, `options.<path>`, is no declaration any more.
    check = v: lib.isOption v && !(v ? declarations);
    merge =
      loc: defs:
      lib.mergeOptionDecls loc (
        map (def: {
          _file = def.file;
          options = def.value;
        }) defs
      );
  };

  /** A type as the value of an option; several are merged. */
  optionType = mkOptionType {
    name = "optionType";
    description = "optionType";
    descriptionClass = "noun";
    check = value: value._type or null == "option-type";
    merge =
      loc: defs:
      if tail defs == [ ] then
        (head defs).value
      else
        let
          # By way of options, so that files are named if two types do not go together.
          optionModules = map (def: {
            _file = def.file;
            options = lib.mkOption { type = def.value; };
          }) defs;
          mergedOption = lib.mergeOptionDecls loc (
            map (m: {
              inherit (m) _file options;
            }) optionModules
          );
        in
        mergedOption.type;
  };

  /** A function to values of a type; several are merged result by result. */
  functionTo =
    elemType:
    mkOptionType {
      name = "functionTo";
      description = "function that evaluates to a(n) ${
        lib.types.optionDescriptionPhrase (class: class == "noun" || class == "composite") elemType
      }";
      descriptionClass = "composite";
      check = lib.isFunction;
      merge = loc: defs: {
        __functor =
          _: arg:
          (lib.mergeDefinitions (loc ++ [ "<function body>" ]) elemType (
            map (def: {
              inherit (def) file;
              value = def.value arg;
            }) defs
          )).mergedValue;
        __functionArgs =
          let
            all' = map (def: lib.functionArgs def.value) defs;
          in
          lib.foldl' (
            acc: a: acc // builtins.mapAttrs (n: v: v && (acc.${n} or true)) a
          ) { } all';
      };
      getSubOptions = prefix: elemType.getSubOptions (prefix ++ [ "<function body>" ]);
      inherit (elemType) getSubModules;
      substSubModules = m: lib.types.functionTo (elemType.substSubModules m);
      functor = lib.types._elemTypeFunctor "functionTo" { inherit elemType; };
      nestedTypes = { inherit elemType; };
    };
}
