# Functions on lists.
{ lib }:
let
  inherit (builtins)
    concatMap
    elemAt
    filter
    genList
    head
    isList
    length
    ;
in
rec {
  inherit (builtins)
    all
    any
    concatLists
    concatMap
    elem
    elemAt
    filter
    foldl'
    genList
    groupBy
    head
    isList
    length
    map
    partition
    sort
    tail
    ;

  /** A list of one. */
  singleton = x: [ x ];

  /** `map` with its arguments swapped. */
  forEach = xs: f: map f xs;

  /** Folds from the right. `foldr (a: b: a + b) "" [ "x" "y" ]` */
  foldr =
    op: nul: list:
    let
      len = length list;
      go = n: if n == len then nul else op (elemAt list n) (go (n + 1));
    in
    go 0;

  /** Folds from the left, lazily in its accumulator. */
  foldl =
    op: nul: list:
    let
      go = n: if n == -1 then nul else op (go (n - 1)) (elemAt list n);
    in
    go (length list - 1);

  /** Another name of `foldr`, with a warning. */
  fold = lib.warn "fold has been deprecated, use foldr instead" foldr;

  /** `map` that also gives the index, from 0. */
  imap0 = f: list: genList (n: f n (elemAt list n)) (length list);

  /** `map` that also gives the index, from 1. */
  imap1 = f: list: genList (n: f (n + 1) (elemAt list n)) (length list);

  /** `filter` that also gives the index, from 0. */
  ifilter0 =
    pred: list:
    map (i: elemAt list i) (filter (i: pred i (elemAt list i)) (genList (i: i) (length list)));

  /** A nested list as a flat one. */
  flatten = x: if isList x then concatMap flatten x else [ x ];

  /** The list without each element equal to the given one. */
  remove = e: filter (x: x != e);

  /** The one element that satisfies a predicate; `default` if none does, `multiple` if several do. */
  findSingle =
    pred: default: multiple: list:
    let
      found = filter pred list;
    in
    if found == [ ] then
      default
    else if length found != 1 then
      multiple
    else
      head found;

  /** The index of the first element that satisfies a predicate, else `default`. */
  findFirstIndex =
    pred: default: list:
    let
      # A fold, as recursion would end at some ten thousand elements.
      found = foldl' (
        found: i:
        if found != null then
          found
        else if pred (elemAt list i) then
          i
        else
          null
      ) null (genList (i: i) (length list));
    in
    if found == null then default else found;

  /** The first element that satisfies a predicate, else `default`. */
  findFirst =
    pred: default: list:
    let
      index = findFirstIndex pred null list;
    in
    if index == null then default else elemAt list index;

  /** How many elements satisfy a predicate. */
  count = pred: foldl' (c: x: if pred x then c + 1 else c) 0;

  /** A list of the element if the condition holds, else an empty one. */
  optional = cond: elem: if cond then [ elem ] else [ ];

  /** The list if the condition holds, else an empty one. */
  optionals = cond: elems: if cond then elems else [ ];

  /** A list stays, anything else becomes a list of one. */
  toList = x: if isList x then x else [ x ];

  /** The integers from first to last, both included. */
  range = first: last: if first > last then [ ] else genList (n: first + n) (last - first + 1);

  /** A value n times. */
  replicate = n: elem: genList (_: elem) n;

  /** `groupBy` that folds each group. */
  groupBy' =
    op: nul: pred: lst:
    builtins.mapAttrs (_: foldl' op nul) (builtins.groupBy pred lst);

  /** Replaces the element at an index. */
  replaceElemAt =
    list: index: newElem:
    if index < 0 || index >= length list then
      throw "'lists.replaceElemAt' called with index ${toString index} on a list of size ${toString (length list)}"
    else
      imap0 (i: x: if i == index then newElem else x) list;

  /** The lists that are the values of a set, as one. */
  concatAttrValues = set: concatLists (builtins.attrValues set);

  /** Combines two lists element by element, as far as the shorter one goes. */
  zipListsWith =
    f: fst: snd:
    genList (n: f (elemAt fst n) (elemAt snd n)) (lib.min (length fst) (length snd));

  /** Pairs `{ fst, snd }` of two lists. */
  zipLists = zipListsWith (fst: snd: { inherit fst snd; });

  /** The list from its end. */
  reverseList =
    xs:
    let
      l = length xs;
    in
    genList (n: elemAt xs (l - n - 1)) l;

  /** The first n elements. */
  take = n: sublist 0 n;

  /** All but the first n elements. */
  drop = n: list: sublist n (length list) list;

  /** The last n elements. */
  takeEnd = n: xs: drop (lib.max 0 (length xs - n)) xs;

  /** All but the last n elements. */
  dropEnd = n: xs: take (lib.max 0 (length xs - n)) xs;

  /** `count` elements from `start` on. */
  sublist =
    start: count: list:
    let
      len = length list;
    in
    genList (n: elemAt list (n + start)) (
      if start >= len then
        0
      else if start + count > len then
        len - start
      else
        count
    );

  /** Whether the second list begins with the first. */
  hasPrefix = list1: list2: take (length list1) list2 == list1;

  /** The second list without the first at its beginning. */
  removePrefix =
    list1: list2:
    if hasPrefix list1 list2 then
      drop (length list1) list2
    else
      throw "lib.lists.removePrefix: the first list is not a prefix of the second";

  /** The longest common beginning of two lists. */
  commonPrefix =
    list1: list2:
    let
      matching = zipListsWith (a: b: a == b) list1 list2;
      len = findFirstIndex (same: !same) (length matching) matching;
    in
    take len list1;

  /** The last element. */
  last =
    list:
    if list == [ ] then throw "lists.last: list must not be empty!" else elemAt list (length list - 1);

  /** All but the last element. */
  init =
    list:
    if list == [ ] then throw "lists.init: list must not be empty!" else take (length list - 1) list;

  /** Each element once, in the order of first appearance. Quadratic, works on any values. */
  unique = foldl' (acc: e: if elem e acc then acc else acc ++ [ e ]) [ ];

  /** `unique` for strings in sorted order, fast. */
  uniqueStrings = list: builtins.attrNames (builtins.listToAttrs (map (name: { inherit name; value = null; }) list));

  /** Whether no element occurs twice. */
  allUnique = list: length (unique list) == length list;

  /** The elements of the second list that are also in the first. */
  intersectLists = e: filter (x: elem x e);

  /** The second list without the elements of the first. */
  subtractLists = e: filter (x: !(elem x e));

  /** Whether two lists have no element in common. */
  mutuallyExclusive = a: b: length a == 0 || !(builtins.any (x: elem x a) b);

  /** Applies a function to each combination of one argument of each list. */
  crossLists = f: foldl (fs: args: concatMap (g: map g args) fs) [ f ];
}
