local host(kind, n) = { addr: '10.0.4.%d' % n, groups: [kind] };
local reboots = { mode: 'security-daily', autoReboot: true };
{
  name: 'shop',
  timeZone: 'Europe/Berlin',
  defaults: { base: 'ubuntu', osUpdates: { ubuntu: reboots } },
  groups: {
    web: { rollout: { maxConcurrentReboots: '34%' } },
    db: {
      osUpdates: { ubuntu: { maxConcurrentReboots: 1 } },
      rollout: { rebootWindow: ['Sun 01:00-05:00', 'Wed 23:30-00:30'] },
    },
    build: { osUpdates: { ubuntu: { autoReboot: false } } },
  },
  hosts:
    { ['web-%d' % n]: host('web', n) for n in std.range(1, 6) }
    + { ['db-%d' % n]: host('db', 20 + n) for n in std.range(1, 3) }
    + { ['build-%d' % n]: host('build', 30 + n) for n in std.range(1, 2) }
    + { 'bastion-1': { addr: '10.0.4.99', osUpdates: { ubuntu: { rebootWindow: ['12:00-13:00', 'Sat 22:00-24:00'] } } } },
  rollout: { rebootWindow: 'Mon-Fri 22:00-04:00', maxConcurrentReboots: 3, waves: [4] },
}
