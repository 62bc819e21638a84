# What can be said of a host's units and files only when all of them are known.
{ lib }:
let
  inherit (lib) concatMap hasSuffix optional removeSuffix;
  place = import ./place.nix { inherit lib; };
  unitName = import ./unit-name.nix { inherit lib; };

  # The last value of a setting in a unit's text, null where it has none.
  setting =
    name: text:
    let
      values = concatMap (
        line:
        let
          found = builtins.match "[ \t]*${name}[ \t]*=[ \t]*(.*)" line;
        in
        optional (found != null) (lib.trim (lib.head found))
      ) (lib.splitString "\n" text);
    in
    if values == [ ] || lib.last values == "" then null else lib.last values;

  # Units that start another one of the same name, unless they name it.
  starters = {
    timer = "Unit";
    path = "Unit";
    socket = "Service";
  };

  # What starts nothing of this fleet.
  lonely =
    here: isKnown: units: name: type:
    let
      base = removeSuffix ".${type}" name;
      key = starters.${type};
    in
    optional (
      setting key units.${name}.text == null
      && !isKnown "${base}.service"
      && !(type == "socket" && isKnown "${base}@.service")
    ) "${here name}: the fleet has no ${base}.service that it could start; declare it, or name the one it starts with ${key}=";

  # Names of paths with specifiers, or beyond ASCII, only systemd can tell.
  misnamed =
    here: units: name: type:
    let
      where = setting "Where" units.${name}.text;
      wanted = "${unitName.ofPath where}.${type}";
    in
    optional (where != null && builtins.match "/[ -$&-~]*" where != null && wanted != name)
      "${here name}: systemd wants the unit of Where=${where} to have the name ${lib.strings.escapeNixString wanted}";

  checkUnit =
    here: isKnown: units: name:
    let
      found = builtins.match ".*[.](timer|path|socket|mount|automount)" name;
      type = lib.head found;
    in
    if found == null then
      [ ]
    else if starters ? ${type} then
      lonely here isKnown units name type
    else
      misnamed here units name type;

  swapped =
    a: b:
    builtins.stringLength a == builtins.stringLength b
    && lib.sort lib.lessThan (lib.stringToCharacters a) == lib.sort lib.lessThan (lib.stringToCharacters b)
    && lib.strings.levenshteinAtMost 2 a b;

  # Whether one of the two may well be the other with a slip of the finger.
  isNear =
    a: b:
    let
      typeA = unitName.typeOf a;
      stemA = removeSuffix ".${typeA}" a;
      stemB = removeSuffix ".${typeA}" b;
    in
    hasSuffix ".${typeA}" b
    && builtins.stringLength stemA > 2
    && (lib.strings.levenshteinAtMost 1 stemA stemB || swapped stemA stemB);

  names = lib.attrNames;
in
{
  units,
  files,
  here,
  isKnown,
}:
let
  nearby =
    path: field:
    concatMap (
      name:
      let
        near = if isKnown name then null else lib.findFirst (isNear name) null (names units);
      in
      optional (near != null)
        "${place.of "files" path files.${path}.at}: ${field} has ${name}, which is no unit of this fleet; did you mean ${near}? (It may be one of the operating system's own.)"
    ) files.${path}.${field};
in
{
  problems = concatMap (checkUnit here isKnown units) (names units);

  warnings = concatMap (
    path:
    if files.${path}.restartUnits == [ ] && files.${path}.reloadUnits == [ ] then
      [ ]
    else
      nearby path "restartUnits" ++ nearby path "reloadUnits"
  ) (names files);
}
