# Functions on lists that put these in order.
{ lib }:
let
  inherit (builtins)
    filter
    head
    isList
    length
    sort
    tail
    ;
in
rec {
  /** Sorts by a key; equal keys keep their order. */
  sortOn = f: list: map (x: x.item) (sort (a: b: a.key < b.key) (map (item: { key = f item; inherit item; }) list));

  /** Compares lists element by element with a comparing function. */
  compareLists =
    cmp: a: b:
    if a == [ ] then
      if b == [ ] then 0 else -1
    else if b == [ ] then
      1
    else
      let
        rel = cmp (head a) (head b);
      in
      if rel == 0 then compareLists cmp (builtins.tail a) (builtins.tail b) else rel;

  /** Sorts strings so that numbers inside them count as numbers: web-2 before web-10. */
  naturalSort =
    lst:
    let
      key = s: map (x: if isList x then lib.toIntBase10 (head x) else x) (builtins.split "(0|[1-9][0-9]*)" s);
      before = a: b: compareLists lib.compare a.key b.key < 0;
    in
    map (x: x.item) (sort before (map (item: { key = key item; inherit item; }) lst));

  /**
    Follows `before` from the head of a list to an element that nothing is before: `{ minimal, visited, rest }`; or, if
    asked to stop there, to one that is before an element on the way: `{ cycle, loops, visited, rest }`.
  */
  listDfs =
    stopOnCycles: before: list:
    let
      follow =
        here: visited: rest:
        let
          loops = filter (x: before x here) visited;
          earlier = builtins.partition (x: before x here) rest;
        in
        if stopOnCycles && loops != [ ] then
          {
            cycle = here;
            inherit loops visited rest;
          }
        else if earlier.right == [ ] then
          {
            minimal = here;
            inherit visited rest;
          }
        else
          follow (head earlier.right) ([ here ] ++ visited) (tail earlier.right ++ earlier.wrong);
    in
    follow (head list) [ ] (tail list);

  /**
    Sorts so that whatever is `before` another comes first.
    Gives `{ result }`, or `{ cycle, loops }` where that is impossible.
  */
  toposort =
    before: list:
    let
      first = listDfs true before list;
      others = toposort before (first.visited ++ first.rest);
    in
    if length list < 2 then
      { result = list; }
    else if first ? cycle then
      {
        cycle = lib.reverseList ([ first.cycle ] ++ first.visited);
        inherit (first) loops;
      }
    else
      others // lib.optionalAttrs (others ? result) { result = [ first.minimal ] ++ others.result; };
}
