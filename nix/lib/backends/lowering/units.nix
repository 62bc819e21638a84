/*
  All units of a host: those given as text and those given as options, drop-ins, and masks.

  Gives `{ units, files, masks, problems, here, isKnown }`.
*/
{ lib }:
let
  inherit (lib) optional optionalAttrs;
  file = import ./file.nix;
  place = import ./place.nix { inherit lib; };
  sections = import ./unit-sections.nix { inherit lib; };
  structured = import ./structured.nix { inherit lib; };
  unitName = import ./unit-name.nix { inherit lib; };

  dropIn =
    unit: name: fields: {
      name = "/etc/systemd/system/${unit}.d/${name}.conf";
      value = file (
        fields
        // optionalAttrs (unitName.isRestartable unit) {
          restartUnits = [ unit ];
        }
      );
    };

  # What an entry of systemd.units adds to a unit that comes from elsewhere.
  rawProblems =
    made: name: raw: here:
    if raw.text != null then
      optional (made ? ${name}) "${here}: the unit is text here and options in ${made.${name}.here}; say it in one of them"
    else if made ? ${name} then
      [ ]
    else
      optional (raw.dropIns == { }) "${here} has neither text nor dropIns"
      ++ map (field: "${here}: ${field} says nothing about a unit whose text is not here") (
        lib.filter (field: raw.${field} != null) [
          "enabled"
          "onChange"
        ]
      );

  fromText = raw: at: {
    inherit (raw)
      text
      enabled
      onChange
      adopt
      ;
    inherit at;
  };

  fromOptions =
    raw: made:
    {
      inherit (made) text at;
      enabled = raw.enabled or null;
      onChange = raw.onChange or null;
      adopt = made.adopt || raw.adopt or false;
    };
in
{
  systemd,
  options,
  positionsIn,
  fileOf,
}:
let
  at = positionsIn options.units;
  here = name: place.of "systemd.units" name (at name);
  raws = systemd.units;
  plain = lib.mapAttrs (name: raw: fromText raw (at name)) raws;
  withDropIns = lib.filterAttrs (_: raw: raw.dropIns != { }) raws;
  rawDropIns = lib.concatMapAttrs (
    unit: raw:
    lib.mapAttrs' (
      name: text:
      dropIn unit name {
        inherit text;
        inherit (raw) adopt;
        at = at unit;
      }
    ) raw.dropIns
  ) withDropIns;

  isPlain = structured.isEmpty systemd;
  all = if isPlain then [ ] else structured.units { inherit systemd options positionsIn; };
  made = lib.listToAttrs (
    map (unit: {
      inherit (unit) name;
      value = unit;
    }) all
  );
  whole = lib.filterAttrs (_: unit: unit.enable && !unit.isDropIn) made;
  overrides = lib.filter (unit: unit.enable && unit.isDropIn) all;
  triggered = lib.filter (unit: unit.enable && unit.reloadTriggers != [ ]) all;

  masks =
    lib.listToAttrs (
      map (name: {
        inherit name;
        value.at = fileOf options.masks;
      }) systemd.masks
    )
    // lib.mapAttrs (_: unit: { inherit (unit) at; }) (lib.filterAttrs (_: unit: !unit.enable) made);

  withText = lib.filterAttrs (_: unit: unit.text != null) plain;
in
{
  /** Names a unit in messages, by the option that makes it. */
  here = name: made.${name}.here or (here name);

  units =
    if isPlain then
      withText
    else
      withText // lib.mapAttrs (name: unit: fromOptions (raws.${name} or { }) unit) whole;

  files =
    rawDropIns
    // lib.listToAttrs (
      map (
        unit:
        dropIn unit.name "overrides" {
          inherit (unit) text adopt at;
        }
      ) overrides
      ++ map (unit: {
        name = "/etc/nixfleet/triggers/${unit.name}";
        value = file {
          text = "${sections.digest unit.reloadTriggers}\n";
          reloadUnits = [ unit.name ];
          inherit (unit) at;
        };
      }) triggered
    );

  inherit masks;

  /** Whether there is such a unit, as far as the intent tells: whoever adds to one says that the host has it. */
  isKnown = name: made ? ${name} || raws ? ${name} || masks ? ${name};

  problems =
    lib.concatMap (unit: unit.problems) all
    ++ lib.concatLists (lib.mapAttrsToList (name: raw: rawProblems made name raw (here name)) raws);
}
