/*
  docs/reference/options.md: the reference of all intent options, as a string.

  `nix-instantiate --eval --strict --json nix/options-doc.nix`; a test keeps the page as fresh as the options.
*/
let
  lib = import ./lib/prelude;

  intent = lib.evalModules {
    inherit (import ./lib/intent { inherit lib; }) modules;
    class = "nixfleet";
  };
  all = lib.filter (option: option.visible && !lib.hasInfix "_module" option.name) (
    lib.optionAttrSetToDocList (removeAttrs intent.options [ "_module" ])
  );

  # A value as one writes it in Nix.
  source =
    v: if v._type or null == "literalExpression" then lib.removeSuffix "\n" v.text else lib.generators.toPretty { multiline = false; } v;

  # In a line, or below it where it has several.
  code =
    label: v:
    let
      text = source v;
    in
    if lib.hasInfix "\n" text then "- ${label}:\n\n  ```nix\n  ${lib.replaceStrings [ "\n" ] [ "\n  " ] text}\n  ```\n" else "- ${label}: `${text}`\n";

  # The file that a module says it is, "nixfleet: files.nix".
  declaredIn = declaration: "nix/lib/intent/${lib.removePrefix "nixfleet: " declaration}";

  entry =
    option:
    ''

      ### `${option.name}`

      ${lib.trim (option.description or "")}

      - Type: ${option.type}
    ''
    + lib.optionalString (option ? default) (code "Default" option.default)
    + lib.optionalString (option ? example) (code "Example" option.example)
    + lib.concatMapStrings (d: "- Declared in: [${declaredIn d}](../../${declaredIn d})\n") option.declarations;

  # What stands together: all options below one name of nixfleet, and of nixfleet.systemd.
  chapter =
    option:
    let
      loc = lib.take (if lib.elemAt (option.loc ++ [ "" ]) 1 == "systemd" then 3 else 2) option.loc;
    in
    lib.concatStringsSep "." loc;

  # What structured units of all kinds have is told once.
  common = import ./lib/intent/systemd/common.nix { inherit lib; };
  kinds = [ "automounts" "mounts" "paths" "services" "slices" "sockets" "targets" "timers" ];
  isOfKind = option: lib.elem (lib.elemAt (option.loc ++ [ "" "" ]) 2) kinds;
  isCommon = option: isOfKind option && lib.length option.loc > 4 && common ? ${lib.elemAt option.loc 4};
  everyUnit = "nixfleet.systemd.<kind>.<name>";
  commonChapter = lib.concatMapStrings (
    option:
    entry (
      option
      // {
        name = lib.concatStringsSep "." ([ everyUnit ] ++ lib.drop 4 option.loc);
        declarations = [ "nixfleet: systemd/common.nix" ];
      }
    )
  ) (lib.filter (option: isCommon option && lib.elemAt option.loc 2 == "targets") all);
  seeCommon = ''

    What units of every kind have, `${lib.concatStringsSep "`, `" (lib.attrNames common)}`, is in
    [a chapter of its own](#what-units-of-every-kind-have).
  '';

  chapters = lib.groupBy chapter (
    lib.filter (option: lib.head option.loc == "nixfleet" && !isCommon option) all
  );
  ofModules = lib.filter (option: lib.head option.loc != "nixfleet") all;
in
''
  # Intent options

  What a module of a fleet can say about a host. This page is made from the options' own descriptions; `make goldens`
  writes it anew. How modules are written, and what `mkFleet` takes, is in [roles.md](../guide/roles.md).
''
+ lib.concatStrings (
  lib.mapAttrsToList (
    name: options:
    "\n## ${name}\n"
    + lib.optionalString (isOfKind (lib.head options)) seeCommon
    + lib.concatMapStrings entry options
  ) chapters
)
+ "\n## What units of every kind have\n\nThe kinds are ${lib.concatStringsSep ", " kinds}.\n${commonChapter}"
+ "\n## Of modules in general\n${lib.concatMapStrings entry ofModules}"
