# Declaring options, and the merge functions that types are made of.
{ lib }:
let
  inherit (builtins)
    all
    catAttrs
    concatMap
    foldl'
    head
    isAttrs
    isBool
    isFunction
    isInt
    isList
    isString
    length
    mapAttrs
    tail
    ;
  inherit (lib) showDefs showOption;
in
rec {
  /**
    Declares an option. All arguments are optional: type, default, defaultText, example, description,
    apply (a function over the final value), readOnly, internal, visible, relatedPackages.
  */
  mkOption =
    {
      type ? null,
      default ? null,
      defaultText ? null,
      example ? null,
      description ? null,
      apply ? null,
      readOnly ? null,
      internal ? null,
      visible ? null,
      relatedPackages ? null,
    }@attrs:
    attrs // { _type = "option"; };

  /** A boolean option, false by default, that says "Whether to enable <name>.". */
  mkEnableOption =
    name:
    mkOption {
      default = false;
      example = true;
      description = "Whether to enable ${name}.";
      type = lib.types.bool;
    };

  /** An option for a package of `pkgs`: `mkPackageOption pkgs "nginx" { }`. */
  mkPackageOption =
    pkgs: name:
    {
      nullable ? false,
      default ? name,
      example ? null,
      extraDescription ? "",
      pkgsText ? "pkgs",
    }:
    let
      name' = if isList name then lib.last name else name;
      path = if isList default then default else [ default ];
      text = p: "${pkgsText}.${lib.showAttrPath p}";
    in
    mkOption (
      {
        type = if nullable then lib.types.nullOr lib.types.package else lib.types.package;
        description = "The ${name'} package to use.${lib.optionalString (extraDescription != "") " ${extraDescription}"}";
      }
      // (
        if default != null then
          {
            default = lib.attrByPath path (throw "${lib.showAttrPath path} cannot be found in ${pkgsText}") pkgs;
            defaultText = literalExpression (text path);
          }
        else
          lib.optionalAttrs nullable { default = null; }
      )
      // lib.optionalAttrs (example != null) {
        example = literalExpression (if isList example then text example else example);
      }
    );

  /** An option that swallows whatever is not declared. */
  mkSinkUndeclaredOptions =
    attrs:
    mkOption (
      {
        internal = true;
        visible = false;
        default = false;
        description = "Sink for option definitions.";
        type = lib.types.mkOptionType {
          name = "sink";
          check = _: true;
          merge = _loc: _defs: false;
        };
        apply = _: throw "Option value is not readable because the option is not declared.";
      }
      // attrs
    );

  /** Whether a value is an option declaration. */
  isOption = x: x._type or null == "option";

  /** Nix code for documentation, shown and not evaluated. */
  literalExpression =
    text:
    if isString text then
      {
        _type = "literalExpression";
        inherit text;
      }
    else
      throw "literalExpression expects a string.";

  /** Markdown for documentation, shown as it is. */
  literalMD =
    text:
    if isString text then
      {
        _type = "literalMD";
        inherit text;
      }
    else
      throw "literalMD expects a string.";

  /** The values of a list of definitions. */
  getValues = catAttrs "value";

  /** The files of a list of definitions. */
  getFiles = catAttrs "file";

  /** Merges what merges by itself: lists, sets, booleans, strings, one of anything, equal integers. */
  mergeDefaultOption =
    loc: defs:
    let
      values = getValues defs;
      first = head values;
    in
    if length values == 1 then
      first
    else if all isFunction values then
      x: mergeDefaultOption loc (map (def: def // { value = def.value x; }) defs)
    else if all isList values then
      builtins.concatLists values
    else if all isAttrs values then
      foldl' lib.mergeAttrs { } values
    else if all isBool values then
      foldl' (a: b: a || b) false values
    else if all isString values then
      lib.concatStrings values
    else if all isInt values && all (x: x == first) values then
      first
    else
      throw "Cannot merge definitions of `${showOption loc}'. Definition values:${showDefs defs}";

  /** Takes the only definition there may be. */
  mergeOneOption = mergeUniqueOption { message = ""; };

  /** Takes the only definition there may be; the message says why there cannot be two. */
  mergeUniqueOption =
    {
      message,
      # Older spelling: { message, merge }.
      merge ? null,
    }:
    loc: defs:
    if tail defs == [ ] then
      if merge == null then (head defs).value else merge loc defs
    else
      throw "The option `${showOption loc}' is defined multiple times while it's expected to be unique.\n${message}\nDefinition values:${showDefs defs}\n${_prioritySuggestion}";

  /** Takes a definition if all are equal. */
  mergeEqualOption =
    loc: defs:
    let
      first = head defs;
    in
    if tail defs == [ ] then
      first.value
    else
      (foldl' (
        first: def:
        if def.value == first.value then
          first
        else
          throw "The option `${showOption loc}' has conflicting definition values:${
            showDefs [
              first
              def
            ]
          }\n${_prioritySuggestion}"
      ) first (tail defs)).value;

  _prioritySuggestion = "Use `lib.mkForce value` or `lib.mkDefault value` to change the priority on any of these definitions.";

  /** A value for documentation: derivations as their names. */
  scrubOptionValue =
    x:
    if lib.isDerivation x then
      {
        type = "derivation";
        drvPath = x.name;
        outPath = x.name;
        inherit (x) name;
      }
    else if isList x then
      map scrubOptionValue x
    else if isAttrs x then
      mapAttrs (_: scrubOptionValue) (builtins.removeAttrs x [ "_args" ])
    else
      x;

  /** A value as documentation shows it. */
  renderOptionValue =
    v:
    if v ? _type && v ? text then
      v
    else
      literalExpression (
        lib.generators.toPretty {
          multiline = true;
          allowPrettyValues = true;
        } v
      );

  /** All options below an options tree, as a list of plain records for documentation. */
  optionAttrSetToDocList = optionAttrSetToDocList' [ ];

  optionAttrSetToDocList' =
    _prefix: options:
    concatMap (
      opt:
      let
        name = showOption opt.loc;
        visible = opt.visible or true;
        docOption = {
          inherit (opt) loc;
          inherit name;
          description = opt.description or null;
          declarations = builtins.filter (x: x != lib.unknownModule) opt.declarations;
          internal = opt.internal or false;
          visible = if isBool visible then visible else visible == "shallow";
          readOnly = opt.readOnly or false;
          type = opt.type.description or "unspecified";
        }
        // lib.optionalAttrs (opt ? example) { example = renderOptionValue opt.example; }
        // lib.optionalAttrs (opt ? defaultText || opt ? default) {
          default = builtins.addErrorContext "while evaluating the default value of option `${name}'" (
            renderOptionValue (opt.defaultText or opt.default)
          );
        }
        // lib.optionalAttrs (opt ? relatedPackages && opt.relatedPackages != null) {
          inherit (opt) relatedPackages;
        };
        subOptions = opt.type.getSubOptions opt.loc;
        deeper =
          (if isBool visible then visible else visible == "transparent") && subOptions != { };
      in
      [ docOption ] ++ lib.optionals deeper (optionAttrSetToDocList' opt.loc subOptions)
    ) (lib.collect isOption options);
}
