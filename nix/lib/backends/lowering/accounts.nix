# Members of groups, as further groups of the users.
{ lib }:
let
  place = import ./place.nix { inherit lib; };
  ownFields = [
    "keys"
    "openssh"
  ];
in
{
  users,
  groups,
  positions,
}:
let
  withMembers = lib.filterAttrs (_: group: group.members != [ ]) groups;
  groupsOf = user: lib.attrNames (lib.filterAttrs (_: group: lib.elem user group.members) withMembers);
in
{
  users = lib.mapAttrs (
    name: user:
    removeAttrs user ownFields
    // lib.optionalAttrs (withMembers != { }) {
      extraGroups = lib.unique (user.extraGroups ++ groupsOf name);
    }
  ) users;

  groups = lib.mapAttrs (_: group: removeAttrs group [ "members" ]) groups;

  problems = lib.concatLists (
    lib.mapAttrsToList (
      name: group:
      map (
        member:
        "${place.of "groups" name (positions name)}: the member ${member} is no user of the fleet; declare it in nixfleet.users, with adopt = true where the host has it already"
      ) (lib.filter (member: !(users ? ${member})) group.members)
    ) withMembers
  );
}
