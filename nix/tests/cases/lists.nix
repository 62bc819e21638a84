# lib.lists
{ lib }:
let
  l = lib.lists;
  even = x: lib.mod x 2 == 0;
  fails = x: !(builtins.tryEval (builtins.deepSeq x null)).success;
in
{
  all = [ [ (l.all even [ 2 4 ]) true ] [ (l.all even [ 2 3 ]) false ] ];
  allUnique = [ [ (l.allUnique [ 1 2 ]) true ] [ (l.allUnique [ 1 1 ]) false ] ];
  any = [ [ (l.any even [ 1 2 ]) true ] [ (l.any even [ ]) false ] ];
  commonPrefix = [ [ (l.commonPrefix [ 1 2 3 ] [ 1 2 4 ]) [ 1 2 ] ] [ (l.commonPrefix [ ] [ 1 ]) [ ] ] ];
  compareLists = [
    [ (l.compareLists lib.compare [ ] [ ]) 0 ]
    [ (l.compareLists lib.compare [ ] [ 1 ]) (-1) ]
    [ (l.compareLists lib.compare [ 1 2 ] [ 1 ]) 1 ]
    [ (l.compareLists lib.compare [ 1 2 ] [ 1 3 ]) (-1) ]
  ];
  concatLists = [ [ (l.concatLists [ [ 1 ] [ ] [ 2 3 ] ]) [ 1 2 3 ] ] ];
  concatMap = [ [ (l.concatMap (x: [ x x ]) [ 1 2 ]) [ 1 1 2 2 ] ] ];
  count = [ [ (l.count even [ 1 2 4 ]) 2 ] ];
  drop = [ [ (l.drop 2 [ 1 2 3 ]) [ 3 ] ] [ (l.drop 5 [ 1 ]) [ ] ] ];
  dropEnd = [ [ (l.dropEnd 1 [ 1 2 3 ]) [ 1 2 ] ] [ (l.dropEnd 9 [ 1 ]) [ ] ] ];
  elem = [ [ (l.elem 2 [ 1 2 ]) true ] [ (l.elem 3 [ 1 2 ]) false ] ];
  elemAt = [ [ (l.elemAt [ 1 2 ] 1) 2 ] ];
  filter = [ [ (l.filter even [ 1 2 3 4 ]) [ 2 4 ] ] ];
  findFirst = [ [ (l.findFirst even null [ 1 2 4 ]) 2 ] [ (l.findFirst even null [ 1 ]) null ] ];
  findFirstIndex = [
    [ (l.findFirstIndex even null [ 1 2 ]) 1 ]
    [ (l.findFirstIndex even null [ ]) null ]
    [ (l.findFirstIndex (x: x == 99999) null (l.range 0 99999)) 99999 ]
    [ (l.findFirstIndex (x: x == 1 || throw "too far") null [ 1 2 ]) 0 ]
  ];
  findSingle = [
    [ (l.findSingle even "none" "many" [ 1 2 ]) 2 ]
    [ (l.findSingle even "none" "many" [ 1 ]) "none" ]
    [ (l.findSingle even "none" "many" [ 2 4 ]) "many" ]
  ];
  flatten = [ [ (l.flatten [ 1 [ 2 [ 3 ] ] [ ] ]) [ 1 2 3 ] ] [ (l.flatten 1) [ 1 ] ] ];
  fold = [ [ (l.fold (a: b: a + b) "" [ "x" "y" ]) "xy" ] ];
  foldl = [ [ (l.foldl (a: b: "(${a}${b})") "" [ "x" "y" ]) "((x)y)" ] ];
  foldl' = [ [ (l.foldl' (a: b: a + b) 0 [ 1 2 3 ]) 6 ] ];
  foldr = [ [ (l.foldr (a: b: "(${a}${b})") "" [ "x" "y" ]) "(x(y))" ] ];
  forEach = [ [ (l.forEach [ 1 2 ] (x: x + 1)) [ 2 3 ] ] ];
  genList = [ [ (l.genList (i: i * i) 3) [ 0 1 4 ] ] ];
  groupBy = [ [ (l.groupBy (x: if even x then "even" else "odd") [ 1 2 3 ]) { even = [ 2 ]; odd = [ 1 3 ]; } ] ];
  groupBy' = [ [ (l.groupBy' (a: b: a + b) 0 (x: if even x then "even" else "odd") [ 1 2 3 ]) { even = 2; odd = 4; } ] ];
  hasPrefix = [ [ (l.hasPrefix [ 1 2 ] [ 1 2 3 ]) true ] [ (l.hasPrefix [ 2 ] [ 1 2 ]) false ] ];
  head = [ [ (l.head [ 1 2 ]) 1 ] ];
  ifilter0 = [ [ (l.ifilter0 (i: v: i == 0 || v > 2) [ 1 2 3 ]) [ 1 3 ] ] ];
  imap0 = [ [ (l.imap0 (i: v: "${v}${toString i}") [ "a" "b" ]) [ "a0" "b1" ] ] ];
  imap1 = [ [ (l.imap1 (i: v: "${v}${toString i}") [ "a" "b" ]) [ "a1" "b2" ] ] ];
  init = [ [ (l.init [ 1 2 3 ]) [ 1 2 ] ] ];
  intersectLists = [ [ (l.intersectLists [ 1 2 3 ] [ 6 3 2 ]) [ 3 2 ] ] ];
  isList = [ [ (l.isList [ ]) true ] [ (l.isList { }) false ] ];
  last = [ [ (l.last [ 1 2 3 ]) 3 ] ];
  length = [ [ (l.length [ 1 2 3 ]) 3 ] ];
  map = [ [ (l.map (x: x + 1) [ 1 2 ]) [ 2 3 ] ] ];
  mutuallyExclusive = [ [ (l.mutuallyExclusive [ 1 2 ] [ 3 ]) true ] [ (l.mutuallyExclusive [ 1 2 ] [ 2 ]) false ] ];
  naturalSort = [ [ (l.naturalSort [ "web-10" "web-2" "db-1" ]) [ "db-1" "web-2" "web-10" ] ] ];
  optional = [ [ (l.optional true 1) [ 1 ] ] [ (l.optional false (throw "not looked at")) [ ] ] ];
  optionals = [ [ (l.optionals true [ 1 2 ]) [ 1 2 ] ] [ (l.optionals false (throw "not looked at")) [ ] ] ];
  partition = [ [ (l.partition even [ 1 2 3 ]) { right = [ 2 ]; wrong = [ 1 3 ]; } ] ];
  range = [ [ (l.range 2 4) [ 2 3 4 ] ] [ (l.range 3 2) [ ] ] ];
  remove = [ [ (l.remove 3 [ 1 3 4 3 ]) [ 1 4 ] ] ];
  removePrefix = [ [ (l.removePrefix [ 1 2 ] [ 1 2 3 ]) [ 3 ] ] ];
  replaceElemAt = [
    [ (l.replaceElemAt [ 1 2 3 ] 1 9) [ 1 9 3 ] ]
    [ (fails (l.replaceElemAt [ 1 ] 1 9)) true ]
    [ (fails (l.replaceElemAt [ 1 ] (0 - 1) 9)) true ]
  ];
  concatAttrValues = [ [ (lib.concatAttrValues { b = [ 3 ]; a = [ 1 2 ]; }) [ 1 2 3 ] ] ];
  replicate = [ [ (l.replicate 3 "a") [ "a" "a" "a" ] ] ];
  reverseList = [ [ (l.reverseList [ 1 2 3 ]) [ 3 2 1 ] ] ];
  singleton = [ [ (l.singleton 1) [ 1 ] ] ];
  sort = [ [ (l.sort (a: b: a < b) [ 3 1 2 ]) [ 1 2 3 ] ] ];
  sortOn = [ [ (l.sortOn lib.stringLength [ "ccc" "a" "bb" "d" ]) [ "a" "d" "bb" "ccc" ] ] ];
  sublist = [
    [ (l.sublist 1 3 [ 1 2 3 4 5 ]) [ 2 3 4 ] ]
    [ (l.sublist 1 9 [ 1 2 ]) [ 2 ] ]
    [ (l.sublist 5 1 [ 1 2 ]) [ ] ]
  ];
  subtractLists = [ [ (l.subtractLists [ 3 2 ] [ 1 2 3 4 ]) [ 1 4 ] ] ];
  tail = [ [ (l.tail [ 1 2 ]) [ 2 ] ] ];
  take = [ [ (l.take 2 [ 1 2 3 ]) [ 1 2 ] ] [ (l.take 9 [ 1 ]) [ 1 ] ] ];
  takeEnd = [ [ (l.takeEnd 2 [ 1 2 3 ]) [ 2 3 ] ] [ (l.takeEnd 9 [ 1 ]) [ 1 ] ] ];
  toList = [ [ (l.toList 1) [ 1 ] ] [ (l.toList [ 1 ]) [ 1 ] ] ];
  listDfs = [
    [ (l.listDfs true (a: b: a < b) [ 2 3 1 ]) { minimal = 1; visited = [ 2 ]; rest = [ 3 ]; } ]
    [ (l.listDfs true (_: _: true) [ 1 2 ]) { cycle = 2; loops = [ 1 ]; visited = [ 1 ]; rest = [ ]; } ]
    [ (l.listDfs false (_: _: true) [ 1 2 ]) { minimal = 2; visited = [ 1 ]; rest = [ ]; } ]
  ];
  # What must not be before anything else stays near what it was next to.
  toposort = [
    [ (l.toposort (a: b: a < b) [ 3 2 1 ]) { result = [ 1 2 3 ]; } ]
    [
      (l.toposort lib.hasPrefix [ "/home/user/other" "/" "/homeless" "/home/user" "/home" ])
      { result = [ "/" "/home" "/home/user" "/home/user/other" "/homeless" ]; }
    ]
    [ (l.toposort (_: _: true) [ 1 2 ]) { cycle = [ 1 2 ]; loops = [ 1 ]; } ]
    [ (l.toposort (a: b: (a == 1 && b == 2) || (a == 2 && b == 1)) [ 3 1 2 ]) { cycle = [ 1 2 ]; loops = [ 1 ]; } ]
    [ (l.toposort (_: _: true) [ ]) { result = [ ]; } ]
  ];
  crossLists = [ [ (l.crossLists (x: y: x + y) [ [ 1 2 ] [ 10 20 ] ]) [ 11 21 12 22 ] ] ];
  unique = [ [ (l.unique [ 3 2 3 1 2 ]) [ 3 2 1 ] ] ];
  uniqueStrings = [ [ (l.uniqueStrings [ "b" "a" "b" ]) [ "a" "b" ] ] ];
  zipLists = [ [ (l.zipLists [ 1 2 ] [ "a" ]) [ { fst = 1; snd = "a"; } ] ] ];
  zipListsWith = [ [ (l.zipListsWith (a: b: a + b) [ "h" "l" ] [ "e" "o" "x" ]) [ "he" "lo" ] ] ];
}
