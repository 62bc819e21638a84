# What is wrong with an inventory, as the compiler gets it: all of it, with the place of each.
{ lib }:
let
  fleet = import ../fleet.nix { inherit lib; };
  inherit (fleet) result result' inventory;

  addr = n: { base = "ubuntu"; addr = "10.0.0.${toString n}"; };
  one = fields: { hosts.h = addr 1 // fields; };
  told = map (p: "${lib.concatStringsSep "." p.path}: ${p.message}${lib.optionalString (p.hint != "") "; ${p.hint}"}");

  ofYAML = value: args: told (result' (inventory value) args).problems;
  ofNix = args: told (result args).problems;
  # Where it stands in Nix, with its line.
  places = args: map (p: builtins.match ".*/inventory[.]nix:[0-9]+" p.at != null) (result args).problems;
in
{
  problems = [
    [ (result { hosts.h = addr 1; }).problems [ ] ]

    # Names that are not there.
    [
      (result' (inventory (one { roles = [ "ngixn" ]; })) { roles = { nginx = { }; db = { }; }; }).problems
      [ { code = "unknown-role"; host = "h"; path = [ "hosts" "h" "roles" ]; at = ""; message = "there is no role \"ngixn\""; hint = "did you mean \"nginx\"? the roles are: db, nginx"; } ]
    ]
    [ (ofYAML (one { roles = [ "web" ]; }) { }) [ "hosts.h.roles: there is no role \"web\"; the fleet has no roles" ] ]
    # Told where it is written, so that a group's is told once.
    [ (ofYAML { groups.g.roles = [ "x" ]; hosts = { a = addr 1 // { groups = [ "g" ]; }; b = addr 2 // { groups = [ "g" ]; }; }; } { roles.web = { }; }) [ "groups.g.roles: there is no role \"x\"; the roles are: web" "groups.g.roles: there is no role \"x\"; the roles are: web" ] ]
    [ (ofYAML { groups.web = null; hosts.h = addr 1 // { groups = [ "wbe" "web" "all" ]; }; } { }) [ "hosts.h.groups: there is no group \"wbe\"; did you mean \"web\"? the groups are: web" ] ]
    [ (ofYAML { groups.web = null; defaults.groups = [ "wbe" ]; hosts.h = addr 1; } { }) [ "defaults.groups: there is no group \"wbe\"; did you mean \"web\"? the groups are: web" ] ]
    [ (ofNix { hostModules.web-2 = { }; hosts.web-1 = addr 1; }) [ "hostModules.web-2: there is no host \"web-2\"; did you mean \"web-1\"? the hosts are: web-1" ] ]
    [ (ofYAML (one { prot = 1; }) { }) [ "hosts.h.prot: there is no field \"prot\"; did you mean \"port\"? the fields are: addr, base, groups, hostKeys, modules, osUpdates, port, proxyJump, roles, rollout, system, tags, user, vars" ] ]
    [ (ofYAML { groups.g.prot = 1; hosts.h = addr 1 // { groups = [ "g" ]; }; } { }) [ "groups.g.prot: there is no field \"prot\"; did you mean \"port\"? the fields are: addr, base, groups, hostKeys, modules, osUpdates, port, proxyJump, roles, rollout, system, tags, user, vars" ] ]
    [ (ofYAML { timezone = "UTC"; hosts.h = addr 1; } { }) [ "timezone: there is no field \"timezone\"; did you mean \"timeZone\"? the fields are: defaults, groups, hosts, name, rollout, rollouts, timeZone" ] ]

    # Fields that are missing, in the words of the file.
    [ (ofYAML { hosts.h.base = "ubuntu"; } { }) [ "hosts.h.addr: host \"h\" has no address; write `addr: 10.0.1.11' there, in its groups or in defaults" ] ]
    [ (ofNix { hosts.h.addr = "x"; }) [ "hosts.h.base: host \"h\" has no base (ubuntu, debian or nixos); write `base = \"ubuntu\";' there, in its groups or in defaults" ] ]
    [ (lib.length (ofNix { hosts = { a = null; b = { }; }; })) 4 ]
    [ (map (p: p.hint) (result' { inventory = { file = "inventory/prod.json"; value.hosts.h.base = "ubuntu"; }; } { }).problems) [ "write `\"addr\": \"10.0.1.11\"' there, in its groups or in defaults" ] ]
    [ (map (p: p.hint) (result' { inventory = { file = "inventory/prod.jsonnet"; value.hosts.h.base = "ubuntu"; }; } { }).problems) [ "write `addr: '10.0.1.11'' there, in its groups or in defaults" ] ]

    # Values of the wrong kind.
    [ (ofNix (one { port = "22"; base = "fedora"; })) [ "hosts.h.base: base is \"fedora\": expected one of \"ubuntu\", \"debian\", \"nixos\"" "hosts.h.port: port is \"22\": expected integer between 1 and 65535 (both inclusive)" ] ]
    [ (ofNix (one { tags.a = 1; roles = "web"; })) [ "hosts.h.roles: roles is \"web\": expected list of name of letters, digits, dots, hyphens and underscores" "hosts.h.tags: tags is { a = 1; }: expected attribute set of string" ] ]
    [ (ofNix { hosts = [ 1 ]; groups = "x"; defaults = 7; }) [ "groups: groups is \"x\": expected groups by name; groups.web = { roles = [ \"web\" ]; };" "hosts: hosts is a list: expected hosts by name; hosts.web-1 = { base = \"ubuntu\"; addr = \"10.0.1.11\"; };" "defaults: defaults is 7: expected the fields of a host" ] ]
    [ (ofNix { hosts = { a = "10.0.0.1"; b = [ ]; c = addr 1; }; }) [ "hosts.a: hosts.a is \"10.0.0.1\": expected the fields of a host; write { addr = \"10.0.0.1\"; }" "hosts.b: hosts.b is a list: expected the fields of a host" ] ]
    [ (ofNix { groups.g = x: x; hosts.h = addr 1; }) [ "groups.g: groups.g is a function: expected the fields of a host" ] ]
    [ (ofYAML (one { groups = "web"; }) { }) [ "hosts.h.groups: groups is \"web\": expected a list of names" ] ]
    [ (ofYAML { groups.a.groups = [ "b" ]; groups.b = { }; hosts.h = addr 1; } { }) [ "groups.a.groups: a group cannot be in groups itself; list both groups at the host" ] ]
    [ (ofYAML { name = "my fleet"; hosts.h = addr 1; } { }) [ "name: name is \"my fleet\": expected name of letters, digits, dots, hyphens and underscores" ] ]
    [ (ofYAML { hosts."web 1" = addr 1; } { }) [ "hosts.web 1: \"web 1\" is not the name of a host: letters, digits, '-', '.' and '_', at most 253 characters" ] ]

    # Layers that disagree.
    [ (ofYAML { groups.a.port = 1; groups.b.port = 2; hosts.h = addr 1 // { groups = [ "a" "b" ]; }; } { }) [ "groups.b.port: port has several values: 2 in inventory/prod.yaml, group b and 1 in inventory/prod.yaml, group a; say it at the host itself, which comes before its groups, or in one of them" ] ]
    [ (ofYAML { groups.a.port = 1; groups.b.port = 2; hosts.h = addr 1 // { port = 3; groups = [ "a" "b" ]; }; } { }) [ ] ]
    [ (builtins.match "two hosts with one name: \"h\" is declared in inventory/prod.yaml and in .*/inventory.nix" (lib.head (result' (inventory (one { })) (one { })).problems).message) [ ] ]

    # Where it stands.
    [ (places { hosts = { a = { }; b = 5; c = addr 1 // { port = 0; roles = [ "x" ]; }; }; hostModules.d = { }; name = 5; }) (lib.genList (_: true) 7) ]

    # Of the others, all is evaluated; what throws by itself is left to do so.
    [ (lib.attrNames (result { hosts = { a = { }; b = addr 2; }; }).hosts) [ "b" ] ]
    [ (ofNix { hosts = { a = addr 1 // { port = throw "later"; roles = [ "x" ]; }; b = addr 2; }; }) [ "hosts.a.roles: there is no role \"x\"; the fleet has no roles" ] ]
    # Who is not selected is not looked at; a group that is not there selects nothing.
    [ (result' { select = { hosts = [ "b" ]; groups = [ "none" ]; }; } { hosts = { a = { }; b = addr 2; }; }).problems [ ] ]
  ];
}
