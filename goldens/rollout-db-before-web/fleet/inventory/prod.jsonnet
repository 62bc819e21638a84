local racks = ['a', 'b', 'c'];
local host(kind, n) = { addr: '10.0.3.%d' % n, groups: [kind], tags: { rack: racks[n % 3] } };
{
  name: 'shop',
  defaults: { base: 'ubuntu' },
  groups: {
    db: { rollout: { maxParallel: 1, soak: '10m', failureBudget: 0, onFailure: 'rollback-host' } },
    web: { rollout: { after: ['db'], canary: 1, waves: ['50%'], maxParallel: 4 } },
  },
  hosts:
    { ['db-%d' % n]: host('db', n) for n in std.range(1, 3) }
    + { ['web-%d' % n]: host('web', 10 + n) for n in std.range(1, 12) }
    + { 'backup-1': { addr: '10.0.3.99' } },
  rollout: { spread: 'rack', failureBudget: 2 },
}
