# Text formats made of Nix values.
{ lib }:
let
  inherit (builtins)
    isAttrs
    isFloat
    isFunction
    isInt
    isList
    isPath
    isString
    typeOf
    ;

  /** Each value of a list gives a line of its own, if the format repeats keys. */
  mkLines =
    listsAsDuplicateKeys: mkLine:
    if listsAsDuplicateKeys then
      k: v: map (mkLine k) (if isList v then v else [ v ])
    else
      k: v: [ (mkLine k v) ];
in
rec {
  /** A value as most formats write it: booleans as true and false, null as null. */
  mkValueStringDefault =
    _options: v:
    let
      err = t: throw "generators.mkValueStringDefault: ${t} not supported: ${toPretty { } v}";
    in
    if isInt v then
      toString v
    else if lib.isDerivation v then
      toString v
    else if isString v then
      v
    else if v == true then
      "true"
    else if v == false then
      "false"
    else if v == null then
      "null"
    else if isList v then
      err "lists are"
    else if isAttrs v then
      err "attrsets are"
    else if isFunction v then
      err "functions are"
    else if isFloat v then
      lib.floatToString v
    else
      err "this value is";

  /** A line `key<sep>value`; the separator is escaped in the key. */
  mkKeyValueDefault =
    {
      mkValueString ? mkValueStringDefault { },
    }:
    sep: k: v:
    "${lib.escape [ sep ] k}${sep}${mkValueString v}";

  /** A line for each attribute: `key=value`. */
  toKeyValue =
    {
      mkKeyValue ? mkKeyValueDefault { } "=",
      listsAsDuplicateKeys ? false,
      indent ? "",
    }:
    attrs:
    let
      mkLine = k: v: indent + mkKeyValue k v + "\n";
    in
    lib.concatStrings (
      lib.concatLists (lib.mapAttrsToList (mkLines listsAsDuplicateKeys mkLine) attrs)
    );

  /** INI: a set of sections, each a set of keys. */
  toINI =
    {
      mkSectionName ? (name: lib.escape [ "[" "]" ] name),
      mkKeyValue ? mkKeyValueDefault { } "=",
      listsAsDuplicateKeys ? false,
    }:
    sections:
    lib.concatStringsSep "\n" (
      lib.mapAttrsToList (
        name: values:
        "[${mkSectionName name}]\n" + toKeyValue { inherit mkKeyValue listsAsDuplicateKeys; } values
      ) sections
    );

  /** INI with keys before the first section. */
  toINIWithGlobalSection =
    {
      mkSectionName ? (name: lib.escape [ "[" "]" ] name),
      mkKeyValue ? mkKeyValueDefault { } "=",
      listsAsDuplicateKeys ? false,
    }:
    {
      globalSection,
      sections ? { },
    }:
    (
      if { } == globalSection then
        ""
      else
        toKeyValue { inherit mkKeyValue listsAsDuplicateKeys; } globalSection + "\n"
    )
    + toINI { inherit mkSectionName mkKeyValue listsAsDuplicateKeys; } sections;

  /** The configuration format of git. */
  toGitINI =
    attrs:
    let
      mkSectionName =
        name:
        let
          sections = lib.splitString "." name;
          section = builtins.head sections;
          subsections = builtins.tail sections;
          subsection = lib.concatStringsSep "." subsections;
        in
        if !(lib.hasInfix "\"" name) && subsections != [ ] then
          ''${section} "${subsection}"''
        else
          name;
      mkValueString =
        v:
        let
          escapedV = "\"${builtins.replaceStrings [ "\n" "	" ''"'' "\\" ] [ "\\n" "\\t" ''\"'' "\\\\" ] v}\"";
        in
        mkValueStringDefault { } (if isString v then escapedV else v);
      mkKeyValueGit = k: v: "\t" + mkKeyValueDefault { inherit mkValueString; } " = " k v;
      gitFlattenAttrs =
        let
          recurse =
            path: value:
            if isAttrs value && !lib.isDerivation value then
              lib.mapAttrsToList (name: recurse ([ name ] ++ path)) value
            else if builtins.length path > 1 then
              {
                ${lib.concatStringsSep "." (lib.reverseList (builtins.tail path))}.${builtins.head path} = value;
              }
            else
              { ${builtins.head path} = value; };
        in
        attrs: lib.foldl lib.recursiveUpdate { } (lib.flatten (recurse [ ] attrs));
    in
    toINI {
      inherit mkSectionName;
      mkKeyValue = mkKeyValueGit;
      listsAsDuplicateKeys = true;
    } (gitFlattenAttrs attrs);

  /** JSON. */
  toJSON = { }: builtins.toJSON;

  /** YAML, by way of JSON, which is YAML. */
  toYAML = toJSON;

  /** Cuts a value off below a depth, so that printing it ends. */
  withRecursion =
    {
      depthLimit,
      throwOnDepthLimit ? true,
    }:
    assert isInt depthLimit;
    let
      specialAttrs = [
        "__functor"
        "__functionArgs"
        "__toString"
        "__pretty"
      ];
      cut =
        if throwOnDepthLimit then
          throw "Exceeded maximum eval-depth limit of ${toString depthLimit} while trying to evaluate with `generators.withRecursion'!"
        else
          "<unevaluated>";
      # What is in no set or list any more counts as one level deeper than these would.
      go =
        depth: v:
        if depth > depthLimit then
          cut
        else if isAttrs v then
          builtins.mapAttrs (
            name: value: if builtins.elem name specialAttrs then value else go (depth + 1) value
          ) v
        else if isList v then
          map (go (depth + 1)) v
        else if depth == depthLimit then
          cut
        else
          v;
    in
    go 0;

  /** A value as one reads it in Nix. */
  toPretty =
    {
      allowPrettyValues ? false,
      multiline ? true,
      indent ? "",
    }:
    let
      go =
        indent: v:
        let
          introSpace = if multiline then "\n${indent}  " else " ";
          outroSpace = if multiline then "\n${indent}" else " ";
          deeper = go (indent + "  ");
        in
        if isInt v then
          toString v
        else if isFloat v then
          builtins.toJSON v
        else if isString v then
          prettyString introSpace outroSpace v
        else if v == true then
          "true"
        else if v == false then
          "false"
        else if v == null then
          "null"
        else if isPath v then
          toString v
        else if isList v then
          if v == [ ] then
            "[ ]"
          else
            "[" + introSpace + lib.concatMapStringsSep introSpace deeper v + outroSpace + "]"
        else if lib.isFunction v then
          prettyFunction v
        else if isAttrs v then
          if allowPrettyValues && v ? __pretty && v ? val then
            v.__pretty v.val
          else if { } == v then
            "{ }"
          else if v ? type && v.type == "derivation" then
            "<derivation ${v.name or "???"}>"
          else
            "{"
            + introSpace
            + lib.concatStringsSep introSpace (
              lib.mapAttrsToList (
                name: value:
                "${lib.escapeNixIdentifier name} = ${
                  builtins.addErrorContext "while evaluating an attribute `${name}`" (deeper value)
                };"
              ) v
            )
            + outroSpace
            + "}"
        else
          throw "internal error: generators.toPretty of a ${typeOf v}";

      prettyString =
        introSpace: outroSpace: v:
        let
          lines = builtins.filter (x: !isList x) (builtins.split "\n" v);
          escapeSingle = builtins.replaceStrings [ "\${" "''" ] [ "''\${" "'''" ];
          singleline = "\"" + lib.concatMapStringsSep "\\n" (lib.escape [ "\\" "\"" "\${" ]) lines + "\"";
          escapedLines = map escapeSingle lines;
          # The last line is the one before the closing quotes: an empty one needs no indentation.
          multilineForm =
            "''"
            + introSpace
            + lib.concatStringsSep introSpace (lib.init escapedLines)
            + (if lib.last escapedLines == "" then outroSpace else introSpace + lib.last escapedLines)
            + "''";
        in
        if multiline && builtins.length lines > 1 then multilineForm else singleline;

      prettyFunction =
        v:
        let
          fna = lib.functionArgs v;
          showFnas = lib.concatStringsSep ", " (
            lib.mapAttrsToList (name: hasDefault: if hasDefault then name + "?" else name) fna
          );
        in
        if fna == { } then "<function>" else "<function, args: {${showFnas}}>";
    in
    go indent;
}
