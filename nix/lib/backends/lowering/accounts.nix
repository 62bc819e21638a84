# The users and groups of a host: members of groups become further groups of the users, and a user has a group of its own name.
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
  options,
  positionsIn,
}:
let
  positions = positionsIn options.groups;
  userPositions = positionsIn options.users;
  ownGroups = lib.concatMapAttrs (
    name: user:
    lib.optionalAttrs (user.group == name && !(groups ? ${name})) {
      ${name} = {
        gid = null;
        inherit (user) system adopt;
        at = userPositions name;
      };
    }
  ) users;
  withMembers = lib.filterAttrs (_: group: group.members != [ ]) groups;
  groupsOf = user: lib.attrNames (lib.filterAttrs (_: group: lib.elem user group.members) withMembers);
in
{
  users = lib.mapAttrs (
    name: user:
    removeAttrs user ownFields
    // { at = userPositions name; }
    // lib.optionalAttrs (withMembers != { }) {
      extraGroups = lib.unique (user.extraGroups ++ groupsOf name);
    }
  ) users;

  groups =
    ownGroups
    // lib.mapAttrs (name: group: removeAttrs group [ "members" ] // { at = positions name; }) groups;

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
