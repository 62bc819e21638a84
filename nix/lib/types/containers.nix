# Types of lists and sets, whose elements have a type.
{ lib }:
let
  inherit (builtins)
    all
    any
    attrNames
    attrValues
    concatLists
    concatMap
    head
    isAttrs
    isList
    mapAttrs
    tail
    zipAttrsWith
    ;
  inherit (lib)
    imap1
    mergeDefinitions
    ;
  inherit (lib) _mergeSingle;
  isProperty = lib._isProperty;
  inherit (lib.types) mkOptionType optionDescriptionPhrase;

  composite = class: class == "noun" || class == "composite";

  # One name of a set: usually one definition without properties.
  mergeName =
    loc: elemType: name: defs:
    mergeDefinitions (loc ++ [ name ]) elemType defs;

  attrsWith =
    {
      elemType,
      lazy ? false,
      placeholder ? "name",
    }:
    let
      name = if lazy then "lazyAttrsOf" else "attrsOf";
    in
    mkOptionType {
      inherit name;
      description = "${if lazy then "lazy attribute set" else "attribute set"} of ${
        optionDescriptionPhrase composite elemType
      }";
      descriptionClass = "composite";
      check = isAttrs;
      merge = lib.types._knownMerge { emptyFree = true; pathFree = lib.types._isPathFree elemType; } (
        if lazy then mergeLazy elemType else mergeStrict elemType
      );
      emptyValue.value = { };
      getSubOptions = prefix: elemType.getSubOptions (prefix ++ [ "<${placeholder}>" ]);
      inherit (elemType) getSubModules;
      substSubModules =
        m:
        attrsWith {
          elemType = elemType.substSubModules m;
          inherit lazy placeholder;
        };
      functor = {
        name = "attrsWith";
        wrapped = elemType;
        type = attrsWith;
        payload = { inherit elemType lazy placeholder; };
        binOp =
          a: b:
          let
            merged = a.elemType.typeMerge b.elemType.functor;
          in
          if merged == null || a.lazy != b.lazy then
            null
          else if a.placeholder != b.placeholder && a.placeholder != "name" && b.placeholder != "name" then
            null
          else
            {
              elemType = merged;
              inherit (a) lazy;
              placeholder = if a.placeholder == "name" then b.placeholder else a.placeholder;
            };
      };
      nestedTypes = { inherit elemType; };
    };

  byName =
    defs:
    zipAttrsWith (_: ds: ds) (
      map (
        def:
        mapAttrs (_: value: {
          inherit (def) file;
          inherit value;
        }) def.value
      ) defs
    );

  # The names are those with a value: a definition under a false condition makes none.
  mergeStrict =
    elemType: loc: defs:
    let
      def = head defs;
      merged = zipAttrsWith (mergeName loc elemType) (
        map (
          def:
          mapAttrs (_: value: {
            inherit (def) file;
            inherit value;
          }) def.value
        ) defs
      );
      defined = lib.filterAttrs (_: res: res.isDefined) merged;
    in
    if tail defs == [ ] && !any isProperty (attrValues def.value) then
      mapAttrs (
        name: value:
        _mergeSingle (loc ++ [ name ]) elemType {
          inherit (def) file;
          inherit value;
        }
      ) def.value
    else
      mapAttrs (_: res: res.mergedValue) defined;

  # All names are there, whatever their conditions say; the values are looked at only when someone does.
  mergeLazy =
    elemType: loc: defs:
    mapAttrs (
      name: ds:
      let
        res = mergeName loc elemType name ds;
      in
      res.optionalValue.value or elemType.emptyValue.value or res.mergedValue
    ) (byName defs);
in
{
  inherit attrsWith;

  /** A set whose values have a type; its names are known only when all conditions around values are. */
  attrsOf = elemType: attrsWith { inherit elemType; };

  /** A set whose values have a type and are looked at one by one; mkIf inside does not remove names. */
  lazyAttrsOf =
    elemType:
    attrsWith {
      inherit elemType;
      lazy = true;
    };

  /** A list whose elements have a type; several definitions are one list. */
  listOf =
    elemType:
    let
      check = value: !isProperty value && elemType.check value;

      entriesOf =
        loc: n: def:
        imap1 (m: value: {
          inherit (def) file;
          inherit value;
          at = loc ++ [ "[definition ${toString n}-entry ${toString m}]" ];
        }) def.value;

      mergeEntries =
        entries:
        if any (e: isProperty e.value) entries then
          map (res: res.mergedValue) (
            builtins.filter (res: res.isDefined) (map (e: mergeDefinitions e.at elemType [ e ]) entries)
          )
        else
          map (e: _mergeSingle e.at elemType e) entries;
    in
    mkOptionType {
      name = "listOf";
      description = "list of ${optionDescriptionPhrase composite elemType}";
      descriptionClass = "composite";
      check = isList;
      merge = lib.types._knownMerge { emptyFree = true; pathFree = lib.types._isPathFree elemType; } (
        loc: defs:
        # Lists of plain values need no merging of their elements.
        if lib.types._isPlain elemType && all (def: all check def.value) defs then
          concatMap (def: def.value) defs
        else
          mergeEntries (concatLists (imap1 (entriesOf loc) defs))
      );
      emptyValue.value = [ ];
      getSubOptions = prefix: elemType.getSubOptions (prefix ++ [ "*" ]);
      inherit (elemType) getSubModules;
      substSubModules = m: lib.types.listOf (elemType.substSubModules m);
      functor = lib.types._elemTypeFunctor "listOf" { inherit elemType; };
      nestedTypes = { inherit elemType; };
    };

  /** A list with at least one element. */
  nonEmptyListOf =
    elemType:
    lib.types.addCheck (lib.types.listOf elemType) (l: l != [ ])
    // {
      description = "non-empty ${optionDescriptionPhrase (class: class == "noun") (lib.types.listOf elemType)}";
      emptyValue = { };
      substSubModules = m: lib.types.nonEmptyListOf (elemType.substSubModules m);
    };


  /** A set in which exactly one of the given names has a value, of its own type. */
  attrTag =
    tags:
    let
      options = mapAttrs (
        tag: opt:
        if lib.isOption opt then
          {
            declarations = opt.declarations or declarationFiles tag;
            declarationPositions = opt.declarationPositions or (declarationPositions tag);
            type = lib.types.unspecified;
          }
          // opt
        else
          throw "In attrTag, each tag value must be an option, but tag ${tag} ${
            if lib.isOptionType opt then
              "was a bare type, not wrapped in mkOption."
            else
              "was of type ${opt._type or (builtins.typeOf opt)}."
          }"
      ) tags;
      declarationPositions =
        tag:
        let
          pos = builtins.unsafeGetAttrPos tag tags;
        in
        lib.optional (pos != null) pos;
      declarationFiles = tag: map (pos: pos.file) (declarationPositions tag);
      names = attrNames options;
      choiceOf = def: head (attrNames def.value);
    in
    mkOptionType {
      name = "attrTag";
      description = "attribute-tagged union with choices: ${lib.concatStringsSep ", " names}";
      descriptionClass = "noun";
      check = v: isAttrs v && builtins.length (attrNames v) == 1 && options ? ${head (attrNames v)};
      getSubOptions = prefix: mapAttrs (tag: opt: opt // { loc = prefix ++ [ tag ]; }) options;
      merge =
        loc: defs:
        let
          tag = choiceOf (head defs);
          others = builtins.filter (def: choiceOf def != tag) defs;
        in
        if others != [ ] then
          throw "The option `${lib.showOption loc}' is defined both as `${tag}' and `${choiceOf (head others)}', in ${lib.showFiles (lib.getFiles defs)}."
        else
          {
            ${tag} =
              (lib.evalOptionValue (loc ++ [ tag ]) options.${tag} (
                map (def: {
                  inherit (def) file;
                  value = def.value.${tag};
                }) defs
              )).value;
          };
      nestedTypes = mapAttrs (_: opt: opt.type) options;
      functor = lib.types.defaultFunctor "attrTag" // {
        type = payload: lib.types.attrTag payload.tags;
        payload.tags = options;
        binOp = a: b: {
          tags =
            a.tags
            // b.tags
            // mapAttrs (
              tag: opt:
              lib.mergeOptionDecls
                [ tag ]
                (
                  map
                    (o: {
                      _file = head (o.declarations ++ [ lib.unknownModule ]);
                      options = removeAttrs o [
                        "declarations"
                        "declarationPositions"
                      ];
                    })
                    [
                      a.tags.${tag}
                      opt
                    ]
                )
              // {
                declarations = a.tags.${tag}.declarations ++ opt.declarations;
                declarationPositions = a.tags.${tag}.declarationPositions ++ opt.declarationPositions;
              }
            ) (builtins.intersectAttrs a.tags b.tags);
        };
      };
    };
}
