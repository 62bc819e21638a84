# lib.generators
{ lib }:
let
  g = lib.generators;
in
{
  mkKeyValueDefault = [ [ (g.mkKeyValueDefault { } ":" "f:oo" "bar") "f\\:oo:bar" ] ];
  mkValueStringDefault = [ [ (map (g.mkValueStringDefault { }) [ 42 ":wq" true false null ]) [ "42" ":wq" "true" "false" "null" ] ] ];
  toGitINI = [
    [
      (g.toGitINI { user = { email = "a@b"; name = "x"; }; branch."main".remote = "origin"; })
      "[branch \"main\"]\n\tremote = \"origin\"\n\n[user]\n\temail = \"a@b\"\n\tname = \"x\"\n"
    ]
  ];
  toINI = [
    [ (g.toINI { } { }) "" ]
    [ (g.toINI { } { b = { y = true; x = 1; }; a = { }; }) "[a]\n\n[b]\nx=1\ny=true\n" ]
    [ (g.toINI { listsAsDuplicateKeys = true; } { Unit.After = [ "a" "b" ]; }) "[Unit]\nAfter=a\nAfter=b\n" ]
    [ (g.toINI { } { "a[b]" = { "x=y" = 1; }; }) "[a\\[b\\]]\nx\\=y=1\n" ]
  ];
  toINIWithGlobalSection = [
    [ (g.toINIWithGlobalSection { } { globalSection = { a = 1; }; sections = { s.b = 2; }; }) "a=1\n\n[s]\nb=2\n" ]
    [ (g.toINIWithGlobalSection { } { globalSection = { }; sections = { s.b = 2; }; }) "[s]\nb=2\n" ]
  ];
  toJSON = [ [ (g.toJSON { } { a = [ 1 null ]; }) "{\"a\":[1,null]}" ] ];
  toKeyValue = [
    [ (g.toKeyValue { } { b = "x"; a = true; }) "a=true\nb=x\n" ]
    [ (g.toKeyValue { indent = "  "; listsAsDuplicateKeys = true; } { a = [ 1 2 ]; }) "  a=1\n  a=2\n" ]
  ];
  toPretty = [
    [ (g.toPretty { } { a = 1; b = [ "x" null ]; }) "{\n  a = 1;\n  b = [\n    \"x\"\n    null\n  ];\n}" ]
    [ (g.toPretty { multiline = false; } { a = [ 1 ]; "b c" = ./generators.nix; }) "{ a = [ 1 ]; \"b c\" = ${toString ./generators.nix}; }" ]
    [ (g.toPretty { } (x: x)) "<function>" ]
    [ (g.toPretty { } ({ a, b ? 1 }: a)) "<function, args: {a, b?}>" ]
    [ (g.toPretty { } { type = "derivation"; name = "x"; }) "<derivation x>" ]
    [ (g.toPretty { } "a\nb") "''\n  a\n  b''" ]
    [ (g.toPretty { } "a\n") "''\n  a\n''" ]
    [ (g.toPretty { } "q\"\\\${x}") "\"q\\\"\\\\\\\${x}\"" ]
    [ (g.toPretty { } { }) "{ }" ]
    [ (g.toPretty { } [ ]) "[ ]" ]
    [ (g.toPretty { } 1.5) "1.5" ]
    [ (g.toPretty { allowPrettyValues = true; } { __pretty = x: "<${x}>"; val = "v"; }) "<v>" ]
  ];
  toYAML = [ [ (g.toYAML { } { a = 1; }) "{\"a\":1}" ] ];
  withRecursion = [
    [ (g.withRecursion { depthLimit = 1; throwOnDepthLimit = false; } { a.b.c = 1; }) { a = { b = "<unevaluated>"; }; } ]
    # What is neither set nor list counts as a level more.
    [ (g.withRecursion { depthLimit = 1; throwOnDepthLimit = false; } { a = [ ]; b = 1; }) { a = [ ]; b = "<unevaluated>"; } ]
    [ (g.withRecursion { depthLimit = 2; throwOnDepthLimit = false; } { b = [ 1 { } ]; }) { b = [ "<unevaluated>" { } ]; } ]
    [ (g.withRecursion { depthLimit = 0; throwOnDepthLimit = false; } 1) "<unevaluated>" ]
  ];
}
