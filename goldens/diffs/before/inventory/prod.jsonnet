// Who is there: web-1 to web-200, db-1 and db-2, lb-1 and lb-2.
local web(n) = { addr: '10.0.%d.%d' % [1 + std.floor((n - 1) / 100), 10 + (n - 1) % 100], groups: ['web'] };

{
  name: 'shop',
  timeZone: 'Europe/Berlin',
  defaults: { base: 'ubuntu', user: 'deploy' },
  groups: {
    web: { roles: ['web'] },
    db: {
      base: 'debian',
      roles: ['db'],
      osUpdates: { ubuntu: { mode: 'manual' } },
      rollout: { soak: '10m', rebootWindow: 'Sun 02:00-04:00' },
    },
    lb: { roles: ['lb'], tags: { site: 'fra' } },
  },
  hosts: {
    ['web-%d' % n]: web(n)
    for n in std.range(1, 200)
  } + {
    'db-1': { addr: '10.0.8.1', groups: ['db'] },
    'db-2': { addr: '10.0.8.2', groups: ['db'] },
    'lb-1': { addr: '10.0.9.1', groups: ['lb'] },
    'lb-2': { addr: '10.0.9.2', groups: ['lb'] },
  },
  rollout: {
    maxParallel: 20,
    canary: 1,
    waves: ['25%', '100%'],
    soak: '5m',
    failureBudget: '5%',
  },
}
