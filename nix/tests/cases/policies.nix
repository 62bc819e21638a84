# Rollout policies of the fleet, of groups and of hosts, as the compiler gets them.
{ lib }:
let
  fleet = import ../fleet.nix { inherit lib; };
  inherit (fleet) result result' inventory;

  addr = n: { base = "ubuntu"; addr = "10.0.0.${toString n}"; };
  one = fields: { hosts.h = addr 1 // fields; };
  said = lib.filterAttrs (_: v: v != null && v != [ ]);
  ofFleet = rollout: removeAttrs (said (result ({ inherit rollout; } // one { })).fleet.rollout) [ "at" ];
  told = map (p: "${lib.concatStringsSep "." p.path}: ${p.message}${lib.optionalString (p.hint != "") "; ${p.hint}"}");
  wrong = args: told (result (one { } // args)).problems;
  # Where each field stands: the file and that there is a line.
  places = lib.mapAttrs (_: at: builtins.match ".*/policies[.]nix:[0-9]+" at != null);
in
{
  rolloutPolicies = [
    [ (ofFleet { }) { } ]
    [ (ofFleet null) { } ]
    [
      (ofFleet {
        maxParallel = "10%";
        spread = "rack";
        canary.onePerTag = "zone";
        waves = [ 1 "50%" ];
        soak = "5m";
        failureBudget = 0;
        waveFailureBudget = "5%";
        onFailure = "rollback-wave";
        offline = "hold";
        maxConcurrentReboots = 2;
        rebootWindow = [ "Sun 02:00-04:00" "22:00-23:00" ];
        gate.command = "true";
      })
      {
        maxParallel = "10%";
        spread = [ "rack" ];
        canary.onePerTag = "zone";
        waves = [ 1 "50%" ];
        soak = "5m";
        failureBudget = 0;
        waveFailureBudget = "5%";
        onFailure = "rollback-wave";
        offline = "hold";
        maxConcurrentReboots = 2;
        rebootWindow = [ "Sun 02:00-04:00" "22:00-23:00" ];
        gate = { command = "true"; interval = "10s"; timeout = "30s"; retries = 5; };
      }
    ]
    [ (map (canary: (ofFleet { inherit canary; }).canary) [ 1 "10%" [ "a" "b" ] { onePer = "group"; } ]) [ 1 "10%" [ "a" "b" ] { onePer = "group"; } ] ]
    [ (ofFleet { spread = [ "rack" "room" ]; }).spread [ "rack" "room" ] ]

    # Groups and named ones; the hosts of a group know nothing of it.
    [ (lib.mapAttrs (_: p: removeAttrs (said p) [ "at" ]) (result { groups.web = { rollout = { after = [ "db" ]; canary = 1; }; }; groups.db = { }; hosts.h = addr 1 // { groups = [ "web" ]; }; }).fleet.groupRollouts) { web = { after = [ "db" ]; canary = 1; }; } ]
    [ (lib.mapAttrs (_: p: p.maxParallel) (result (one { } // { rollouts = { urgent.maxParallel = 50; none = null; }; })).fleet.rollouts) { urgent = 50; none = null; } ]
    [ (result { groups.web.rollout.rebootWindow = "02:00-04:00"; hosts.h = addr 1 // { groups = [ "web" ]; }; }).hosts.h.rebootWindows [ ] ]
    [ (result (one { rollout.rebootWindow = "02:00-04:00"; })).hosts.h.rebootWindows [ "02:00-04:00" ] ]

    # Where each field stands: in Nix its line, in an inventory file the compiler knows.
    [ (places (result (one { } // { rollout = { soak = "5m"; canary = 1; }; })).fleet.rollout.at) { canary = true; soak = true; } ]
    [ (places (result' (inventory { rollout.soak = "5m"; }) (one { } // { rollout.canary = 1; })).fleet.rollout.at) { canary = true; } ]

    # What is wrong.
    [ (wrong { rollout = 5; }) [ "rollout: rollout is 5: expected the fields of a rollout policy" ] ]
    [ (wrong { rollout.canery = 1; }) [ "rollout.canery: there is no field \"canery\"; did you mean \"canary\"? the fields are: canary, failureBudget, gate, maxConcurrentReboots, maxParallel, offline, onFailure, rebootWindow, soak, spread, waveFailureBudget, waves" ] ]
    [ (wrong { rollout = { canary = "150%"; soak = "5 minutes"; onFailure = "rollback"; }; }) [
      "rollout.canary: canary is \"150%\": expected number of hosts, a percentage such as \"10%\", a list of hosts, { onePer = \"group\"; }, or { onePerTag = \"zone\"; }"
      "rollout.onFailure: onFailure is \"rollback\": expected one of \"halt\", \"rollback-host\", \"rollback-wave\", \"rollback-all\""
      "rollout.soak: soak is \"5 minutes\": expected duration such as \"90s\", \"5m\" or \"1h30m\""
    ] ]
    [ (wrong { rollout = { canary = { }; waves = [ 0 ]; rebootWindow = "Sunday"; gate.retries = 1; }; }) [
      "rollout.canary: canary is { }: expected number of hosts, a percentage such as \"10%\", a list of hosts, { onePer = \"group\"; }, or { onePerTag = \"zone\"; }"
      "rollout.gate: gate is { retries = 1; }: expected { command = \"…\"; }, with interval and timeout as \"10s\" and a number of retries where they shall be others"
      "rollout.rebootWindow: rebootWindow is \"Sunday\": expected weekly window such as \"Sun 02:00-04:00\" or non-empty (list of weekly window such as \"Sun 02:00-04:00\")"
      "rollout.waves: waves is [ 0 ]: expected list of (number of hosts of at least 1, or a percentage such as \"10%\")"
    ] ]
    [ (wrong { rollout.after = [ "db" ]; }) [ "rollout.after: after cannot stand here; it is about a group: write it as groups.web.rollout.after" ] ]
    [ (wrong { groups.g.rollout.gate.command = "true"; }) [ "groups.g.rollout.gate: gate cannot stand here; it is about the whole fleet: write it in the fleet's rollout" ] ]
    [ (wrong { groups.g.rollout.soak = 5; }) [ "groups.g.rollout.soak: soak is 5: expected duration such as \"90s\", \"5m\" or \"1h30m\"" ] ]
    [ (wrong { hosts.h = addr 1 // { rollout.canary = 1; }; }) [ "hosts.h.rollout.canary: canary cannot stand here; it is about several hosts: write it in the rollout of the fleet, or of a group" ] ]
    [ (wrong { defaults.rollout.soak = "5m"; }) [ "defaults.rollout: rollout cannot stand in defaults; it is about the whole fleet: write it beside defaults, groups and hosts" ] ]
    [ (wrong { rollouts = [ ]; }) [ "rollouts: rollouts is a list: expected rollouts by name; rollouts.urgent = { maxParallel = 50; };" ] ]
    [ (wrong { rollouts.urgent = 5; }) [ "rollouts.urgent: rollouts.urgent is 5: expected the fields of a rollout policy" ] ]
    [ (wrong { rollouts.urgent.soak = 5; }) [ "rollouts.urgent.soak: soak is 5: expected duration such as \"90s\", \"5m\" or \"1h30m\"" ] ]
  ];
}
