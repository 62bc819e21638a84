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
    Which of the selected hosts this evaluation is for, as `{ names; complete; }`. A part is null for all of them,
    `{ from; to; }` for those at these places of the list, `{ light; heavy; }` for all where no more of either kind are
    selected, else none. With `{ slice; of; least; }` beside, the same is said of one of so many equal slices of the list;
    of a list shorter than least, the first slice is all.
  */
  part =
    isHeavy: names: part:
    let
      count = lib.length names;
      within = from: to: map (lib.elemAt names) (lib.range from (lib.min to count - 1));
      asked =
        if part ? from then
          within part.from part.to
        else if part ? slice && count >= part.least then
          within (count * part.slice / part.of) (count * (part.slice + 1) / part.of)
        else if part.slice or 0 == 0 then
          names
        else
          [ ];
      allowed =
        !(part ? light)
        || lib.length asked <= part.light && lib.length (lib.filter isHeavy asked) <= part.heavy;
    in
    {
      names = if allowed then asked else [ ];
      complete = allowed;
    };
}
