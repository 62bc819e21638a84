// Ready rules for policies: each function returns a rule, configured by its arguments.
//
//   local guardrails = import 'nixfleet/guardrails.libsonnet';
//   { canary: guardrails.canaryRequired(), size: guardrails.maxHostsChanged(50) }
//
// All take severity='error', which may be 'warning'. docs/policy.md tells of each.
local digit(mode, at) = std.parseInt(mode[at]);
local matches(patterns, text) = std.length([
  p
  for p in patterns
  if p == text || (std.endsWith(p, '/') && std.startsWith(text, p))
]) > 0;
local sortedHosts(plan) = std.objectFields(plan.hosts);
local listed(names) =
  std.join(', ', names[:5]) + (if std.length(names) > 5 then ' and %d more' % (std.length(names) - 5) else '');

// Arguments are looked at when a rule is made, not when it first needs them.
local eager(arguments, rule) = if std.length(std.toString(arguments)) > 0 then rule;

local severities = ['error', 'warning'];
local checked(severity) =
  if std.member(severities, severity) then severity
  else error 'severity: expected "error" or "warning", found %s' % std.manifestJsonMinified(severity);
local number(what, value, least) =
  if std.isNumber(value) && value >= least && value == std.floor(value) then value
  else error '%s: expected a whole number of at least %d, found %s' % [what, least, std.manifestJsonMinified(value)];
local strings(what, value) =
  if std.isArray(value) && std.all([std.isString(item) for item in value]) then value
  else error '%s: expected a list of strings, found %s' % [what, std.manifestJsonMinified(value)];

// What is wrong with manifests, looked for once in each, said of each host.
local ofManifests(plan, severity, hint, faults) =
  local found = { [digest]: faults(plan.manifests[digest]) for digest in std.objectFields(plan.manifests) };
  [
    { host: name, severity: severity, message: message, hint: hint }
    for name in sortedHosts(plan)
    for message in found[plan.hosts[name].digest]
  ];

// The names of hosts that are new, or shall be something else than before.
local changedHosts(plan) = [name for name in sortedHosts(plan) if plan.hosts[name].changed];

// What is wrong with changes of hosts that stay, looked for once in changes that are alike.
local ofChanges(plan, severity, hint, faults) =
  local kept = [host for host in std.objectValues(plan.hosts) if host.changed && host.previous != null];
  local change(host) = host.previous.digest + host.digest;
  local found = { [change(host)]: faults(host.previous.manifest, host.manifest) for host in std.set(kept, change) };
  [
    { host: host.name, severity: severity, message: message, hint: hint }
    for host in kept
    for message in found[change(host)]
  ];

// Whether somebody who neither owns the file nor is in its group may write it.
local othersWrite(mode) = digit(mode, 3) % 4 >= 2;

local day(what, text) =
  local isDate =
    std.isString(text) && std.length(text) == 10 && text[4] == '-' && text[7] == '-'
    && std.all([std.member('0123456789', c) for c in std.stringChars(text[0:4] + text[5:7] + text[8:10])]);
  local month = std.parseInt(text[5:7]);
  local last = if std.member([4, 6, 9, 11], month) then 30 else if month == 2 then 29 else 31;
  if isDate && month >= 1 && month <= 12 && std.parseInt(text[8:10]) >= 1 && std.parseInt(text[8:10]) <= last then text
  else error 'freeze: %s: expected a day as "2026-12-24", found %s' % [what, std.manifestJsonMinified(text)];

{
  // compareVersions(a, b) is below 0 where a is older than b, 0 where they are equal.
  compareVersions(a, b): std.native('nixfleet.compareVersions')(a, b),

  // No two hosts of one group are in one wave of reboots; groups: null is all groups.
  oneRebootPerGroup(groups=null, severity='error'):
    local level = checked(severity);
    local wanted = if groups == null then null else strings('groups', groups);
    eager([level, wanted], function(plan, previous)
      local waves = if plan.rollout.reboots == null then [] else plan.rollout.reboots.waves;
      [
        {
          severity: level,
          message: 'hosts of the group %s reboot in one wave (%s): %s' % [
            group,
            wave.wave + (if wave.windows == [] then '' else ', ' + std.join(', ', wave.windows)),
            listed(together),
          ],
          hint: 'give them windows that are apart, or waves of their own',
        }
        for wave in waves
        for group in std.objectFields(plan.groups)
        if (if wanted == null then group != 'all' else std.member(wanted, group))
        for together in [std.setInter(std.set(wave.hosts), std.set(plan.groups[group]))]
        if std.length(together) > 1
      ]),

  // A plan of at least `from` hosts begins with a wave of at most `largest`, and goes on after it.
  canaryRequired(largest=1, from=2, severity='error'):
    local level = checked(severity);
    local most = number('largest', largest, 1);
    local fewest = number('from', from, 2);
    eager([level, most, fewest], function(plan)
      local waves = [wave for wave in plan.rollout.waves if wave.hosts != []];
      local hosts = std.length(plan.hosts);
      local first = if waves == [] then 0 else std.length(waves[0].hosts);
      if hosts < fewest || first <= most && first < hosts then [] else [{
        severity: level,
        message: 'there is no canary: the first wave, %s, has %d of %d hosts; expected at most %d' % [waves[0].name, first, hosts, most],
        hint: 'set rollout.canary in the inventory',
      }]),

  // No file, directory or secret may be written by everybody; /path/ stands for all below it.
  noWorldWritable(except=[], severity='error'):
    local level = checked(severity);
    local ignored = strings('except', except);
    eager([level, ignored], function(plan) ofManifests(plan, level, 'take the write bit for others out of the mode, as 0644', function(manifest) [
      '%s %s can be written by everybody (mode %s)' % [kind.name, item.path, item.mode]
      for kind in [
        { name: 'file', items: [file for file in manifest.files if file.symlink == null] },
        // Everybody may make files in a directory like /tmp, and remove none of others.
        { name: 'directory', items: [dir for dir in manifest.directories if digit(dir.mode, 0) % 2 == 0] },
        { name: 'secret', items: manifest.secrets },
      ]
      for item in kind.items
      if othersWrite(item.mode) && !matches(ignored, item.path)
    ])),

  // No file runs as its owner or group, whoever starts it.
  noSetuid(except=[], severity='error'):
    local level = checked(severity);
    local ignored = strings('except', except);
    eager([level, ignored], function(plan) ofManifests(plan, level, 'take the first digit out of the mode, as 0755', function(manifest) [
      'file %s is %s (mode %s)' % [
        file.path,
        if digit(file.mode, 0) >= 4 then 'setuid ' + file.owner else 'setgid ' + file.group,
        file.mode,
      ]
      for file in manifest.files
      if file.symlink == null && digit(file.mode, 0) >= 2 && !matches(ignored, file.path)
    ])),

  // No user goes from a host; a host that leaves the plan is left alone.
  noUserRemoved(except=[], severity='error'):
    local level = checked(severity);
    local ignored = strings('except', except);
    eager([level, ignored], function(plan) ofChanges(plan, level, 'keep the user, or name it in except', function(old, new) [
      'the user %s is removed' % user
      for user in std.setDiff(
        std.set([user.name for user in old.users]),
        std.set([user.name for user in new.users] + ignored)
      )
    ])),

  // At most so many hosts of the plan are new or shall be something else.
  maxHostsChanged(most, severity='error'):
    local level = checked(severity);
    local limit = number('maxHostsChanged', most, 0);
    eager([level, limit], function(plan, previous)
      local changed = changedHosts(plan);
      if previous == null || std.length(changed) <= limit then [] else [{
        severity: level,
        message: '%d hosts change; expected at most %d: %s' % [std.length(changed), limit, listed(changed)],
        hint: 'change fewer at once: nixfleet compile --group NAME',
      }]),

  // No package of a host's profile goes back to an older version.
  noDowngrade(except=[], severity='error'):
    local level = checked(severity);
    local ignored = strings('except', except);
    eager([level, ignored], function(plan) ofChanges(plan, level, 'raise its version, or name it in except', function(old, new) [
      'the package %s goes back from %s to %s' % [package.name, package.from, package.to]
      for package in std.native('nixfleet.downgrades')(old.packages, new.packages)
      if !std.member(ignored, package.name)
    ])),

  // Nothing changes from the first day to the last, both included. Which day it is is given
  // with --policy-date; `undated` is the severity of nobody having said.
  freeze(from, to, reason='', except=[], severity='error', undated='warning'):
    local level = checked(severity);
    local unknown = checked(undated);
    local exempt = strings('except', except);
    local first = day('from', from);
    local last = day('to', to);
    local because = if reason == '' then '' else ' (%s)' % reason;
    assert first <= last : 'freeze: it ends on %s, before it begins on %s' % [last, first];
    eager([level, unknown, exempt, first, last], function(plan, previous, given)
      local changed = [
        name
        for name in changedHosts(plan)
        if std.length(std.setInter(std.set(exempt), std.set(plan.hosts[name].groups))) == 0
      ];
      if changed == [] then []
      else if given.date == null then [{
        severity: unknown,
        message: 'nobody said which day it is, and nothing may change from %s to %s%s' % [first, last, because],
        hint: 'say it: --policy-date 2026-12-24, or NIXFLEET_POLICY_DATE',
      }]
      else if given.date < first || given.date > last then []
      else [{
        severity: level,
        message: 'on %s nothing may change: %s to %s is a freeze%s, and hosts change: %s' % [given.date, first, last, because, listed(changed)],
        hint: 'wait until it is over, or end it in the policy, for everybody to review',
      }]),

  // Rules that compare with the plan that is replaced hold nothing where none is given; this
  // one then says so.
  replacesRequired(severity='error'):
    local level = checked(severity);
    eager([level], function(plan, previous)
      if previous != null then [] else [{
        severity: level,
        message: 'nobody said which plan this one replaces, so nothing tells what changes',
        hint: 'name it: --replaces OLD.json',
      }]),
}
