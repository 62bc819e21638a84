/*
  Tests of the library that need one evaluation: `{ failures, uncovered, count }`.

  A case is `[ actual expected ]`; the cases of a public name are a list under that name. `lib` is the library under
  test: ours, or nixpkgs' own, to see that the cases say what nixpkgs does.
*/
{
  lib ? import ../lib/prelude,
}:
let
  files = builtins.filter (name: builtins.match ".*[.]nix" name != null) (
    builtins.attrNames (builtins.readDir ./cases)
  );
  load = file: import (./cases + "/${file}") { inherit lib; };

  run =
    file:
    builtins.concatLists (
      builtins.attrValues (
        builtins.mapAttrs (
          name: cases:
          builtins.concatLists (
            builtins.genList (
              n:
              let
                case = builtins.elemAt cases n;
                actual = builtins.elemAt case 0;
                expected = builtins.elemAt case 1;
                where = "${file}: ${name} (case ${toString (n + 1)})";
              in
              if
                builtins.addErrorContext "while running the test ${where}" (builtins.deepSeq actual (actual == expected))
              then
                [ ]
              else
                [
                  {
                    inherit where;
                    actual = show actual;
                    expected = show expected;
                  }
                ]
            ) (builtins.length cases)
          )
        ) (load file)
      )
    );

  show = (import ../lib/prelude).generators.toPretty { };

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
  failures = builtins.concatMap run files;
  uncovered = builtins.filter (name: !(tested ? ${name})) publicNames;
  count = builtins.foldl' (
    acc: file: acc + builtins.foldl' (n: cases: n + builtins.length cases) 0 (builtins.attrValues (load file))
  ) 0 files;
}
