// What rules see of a plan: whole(which) of one that was compiled, partial(plan) of one
// that a test writes down in parts.
local manifestOf(digest) =
  local manifest = std.native('nixfleet.manifest')(digest);
  local withText(item) = item {
    text: if item.payload == null then null else std.native('nixfleet.text')(item.payload),
  };
  manifest {
    files: [withText(file) for file in manifest.files],
    units: [withText(unit) for unit in manifest.units],
  };

// A manifest is made once, and only where a rule looks at it. Whether an object has a
// field takes as long as it has fields, so hosts are looked up without asking that.
local withHosts(plan, previous, hosts) =
  local before = { [name]: null for name in std.objectFields(hosts) } + (if previous == null then {} else previous.hosts);
  plan {
    hosts: {
      [name]: hosts[name] {
        previous:: before[name],
        changed: before[name] == null || before[name].digest != hosts[name].digest,
      }
      for name in std.objectFields(hosts)
    },
  };

local withManifests(plan, previous) =
  local manifests = { [digest]: manifestOf(digest) for digest in plan.manifests };
  withHosts(plan { manifests: manifests }, previous, {
    [name]: plan.hosts[name] { manifest: manifests[plan.hosts[name].digest] }
    for name in std.objectFields(plan.hosts)
  });

// A test that misspells a field would test nothing.
local fill(what, sample, given) =
  if !std.isObject(given) then
    error 'the plan of the test: %s is %s; expected an object' % [what, std.type(given)]
  else
    local unknown = std.setDiff(std.objectFields(given), std.objectFields(sample));
    if unknown != [] then
      error 'the plan of the test: %s has no field %s; there are: %s' % [what, unknown[0], std.join(', ', std.objectFields(sample))]
    else sample + given;

local each(what, sample, items) =
  if !std.isArray(items) then
    error 'the plan of the test: %s is %s; expected a list' % [what, std.type(items)]
  else [fill('an item of ' + what, sample, item) for item in items];

local orNull(what, sample, given) = if given == null then null else fill(what, sample, given);

local partialManifest(samples, base, given) =
  local manifest = fill('a manifest', samples.manifest { base: base }, given);
  local updates = orNull('osUpdates', samples.osUpdates, manifest.osUpdates);
  manifest {
    [name]: each(name, samples.lists[name], manifest[name])
    for name in std.objectFields(samples.lists)
  } {
    reboot: orNull('reboot', samples.reboot, manifest.reboot),
    osUpdates: if updates == null then null else updates {
      ubuntu: orNull('osUpdates.ubuntu', samples.ubuntu, updates.ubuntu),
      nixos: orNull('osUpdates.nixos', samples.nixos, updates.nixos),
    },
  };

local partialHost(samples, name, given) =
  local host = fill('host ' + name, samples.host { name: name, base: 'ubuntu', system: 'x86_64-linux', manifest: {} }, given);
  local manifest = partialManifest(samples, host.base, host.manifest);
  host { manifest: manifest, digest: std.md5(std.manifestJsonMinified(manifest)) };

local partialReboots(samples, given) =
  local reboots = orNull('reboots', samples.reboots, given);
  if reboots == null then null else reboots {
    limits: each('reboots.limits', samples.rebootLimit, reboots.limits),
    waves: each('reboots.waves', samples.rebootWave, reboots.waves),
  };

local partialRollout(samples, hosts, given) =
  local rollout = fill('rollout', samples.rollout { waves: [{ name: 'all', hosts: hosts }] }, given);
  rollout {
    waves: each('waves', samples.wave, rollout.waves),
    limits: each('limits', samples.limit, rollout.limits),
    budgets: each('budgets', samples.budget, rollout.budgets),
    gate: orNull('gate', samples.gate, rollout.gate),
    reboots: partialReboots(samples, rollout.reboots),
  };

local partial(given, previous) =
  local samples = std.native('nixfleet.samples')();
  local plan = fill('it', samples.plan { hosts: {}, rollout: {} }, given);
  local rollout = partialRollout(samples, std.objectFields(plan.hosts), plan.rollout);
  local waveOf = { [host]: wave.name for wave in rollout.waves for host in wave.hosts };
  local hosts = {
    [name]: partialHost(samples, name, plan.hosts[name]) + (if name in waveOf then { wave: waveOf[name] } else {})
    for name in std.objectFields(plan.hosts)
  };
  local list = std.objectValues(hosts);
  local groups = std.set(['all'] + std.flattenArrays([host.groups for host in list]));
  withHosts(plan {
    rollout: rollout,
    groups: {
      [group]: [host.name for host in list if group == 'all' || std.member(host.groups, group)]
      for group in groups
    },
    manifests: std.foldl(function(all, host) all { [host.digest]: host.manifest }, list, {}),
  }, previous, hosts);

{
  whole(which, previous)::
    local plan = std.native('nixfleet.plan')(which);
    if plan == null then null else withManifests(plan, previous),

  // A test names a file with a whole plan, or writes down a part of one.
  ofTest(test, given, previous)::
    if given == null then null
    else if std.isString(given) then withManifests(std.native('nixfleet.planFile')(test, given), previous)
    else partial(given, previous),
}
