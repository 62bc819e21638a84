/*
  Tests of the library that need one evaluation: `{ failures, uncovered, count, skipped }`.

  A case is `[ actual expected ]`; the cases of a public name are a list under that name. `lib` is the library under
  test: ours, or nixpkgs' own, to see that the cases say what nixpkgs does. An older one lacks names, whose cases are
  skipped, and does some things otherwise: a third element of a case is the release that first did them so.
*/
{
  lib ? import ../lib/prelude,
}:
let
  files = builtins.filter (name: builtins.match ".*[.]nix" name != null) (
    builtins.attrNames (builtins.readDir ./cases)
  );
  load = file: import (./cases + "/${file}") { inherit lib; };

  # Our own says that a release is beyond it.
  release = builtins.tryEval lib.trivial.release;
  isKnown =
    name: case:
    (builtins.length case == 2 || !release.success || builtins.compareVersions release.value (builtins.elemAt case 2) >= 0)
    && builtins.all (set: !(ours.${set} ? ${name}) || lib.${set} ? ${name}) sets
    && (!(ours ? ${name}) || lib ? ${name});

  # All cases as `{ where; actual; expected; known; }`.
  cases = builtins.concatMap (
    file:
    let
      named = load file;
      ofName =
        name:
        builtins.genList (
          n:
          let
            case = builtins.elemAt named.${name} n;
          in
          {
            where = "${file}: ${name} (case ${toString (n + 1)})";
            actual = builtins.elemAt case 0;
            expected = builtins.elemAt case 1;
            known = isKnown name case;
          }
        ) (builtins.length named.${name});
    in
    builtins.concatMap ofName (builtins.attrNames named)
  ) files;

  fails =
    case:
    !builtins.addErrorContext "while running the test ${case.where}" (
      builtins.deepSeq case.actual (case.actual == case.expected)
    );

  show = ours.generators.toPretty { };

  # Every public name needs a case of its own name, in whatever file.
  ours = import ../lib/prelude;
  beyond = import ../lib/prelude/beyond.nix;
  sets = [
    "attrsets"
    "asserts"
    "debug"
    "fixedPoints"
    "generators"
    "lists"
    "meta"
    "modules"
    "options"
    "strings"
    "trivial"
    "types"
    "versions"
  ];
  tested = builtins.foldl' (acc: file: acc // load file) { } files;
  publicNames = builtins.attrNames (
    builtins.foldl' (acc: set: acc // removeAttrs ours.${set} (builtins.attrNames (beyond.sets.${set} or { }))) (
      removeAttrs ours (sets ++ builtins.attrNames beyond.top)
    ) sets
  );
in
{
  failures = map (case: {
    inherit (case) where;
    actual = show case.actual;
    expected = show case.expected;
  }) (builtins.filter (case: case.known && fails case) cases);
  uncovered = builtins.filter (name: !(tested ? ${name})) publicNames;
  skipped = map (case: case.where) (builtins.filter (case: !case.known) cases);
  count = builtins.length (builtins.filter (case: case.known) cases);
}
