# Which hosts a request is about.
{ lib }:
{
  /** The names of the selected hosts; `select` is null for all, else `{ hosts; groups; }`, patterns and group names. */
  names =
    inventory: select:
    let
      patterns = select.hosts or [ ];
      inGroups = lib.concatMap (
        # One that is not there selects nothing; the compiler says so.
        group: inventory.members.${group} or [ ]
      ) (select.groups or [ ]);
      chosen = lib.genAttrs inGroups (_: null);
      wanted =
        name: chosen ? ${name} || lib.any (pattern: builtins.match pattern name != null) patterns;
      all = lib.attrNames inventory.hosts;
    in
    if select == null then all else lib.filter wanted all;

  /**
    Which of the selected hosts this evaluation is for. A part is null for all of them, `{ from; to; }` for those at
    these places of the list, or `{ light; heavy; }`: all of them where no more of either kind are selected, else none.
  */
  part =
    isHeavy: names: part:
    let
      count = lib.length names;
      heavy = lib.length (lib.filter isHeavy names);
      last = lib.min part.to count;
    in
    if part == null then
      names
    else if part ? from then
      map (lib.elemAt names) (lib.range part.from (last - 1))
    else if count <= part.light && heavy <= part.heavy then
      names
    else
      [ ];
}
