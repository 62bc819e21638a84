# Which hosts a request is about.
{ lib }:
let
  roles = import ./roles.nix { inherit lib; };
in
{
  /** The names of the selected hosts; `select` is null for all, else `{ hosts; groups; }`, patterns and group names. */
  names =
    inventory: select:
    let
      patterns = select.hosts or [ ];
      inGroups = lib.concatMap (
        group:
        inventory.members.${group}
          or (roles.unknown "group" "the selection" group (lib.attrNames inventory.members))
      ) (select.groups or [ ]);
      chosen = lib.genAttrs inGroups (_: null);
      wanted =
        name: chosen ? ${name} || lib.any (pattern: builtins.match pattern name != null) patterns;
      all = lib.attrNames inventory.hosts;
    in
    if select == null then all else lib.filter wanted all;
}
