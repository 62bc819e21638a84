{
  name: 'edge',
  defaults: { base: 'debian' },
  groups: { edge: {} },
  hosts: {
    ['edge-%02d' % n]: { addr: '10.0.2.%d' % n, groups: ['edge'] }
    for n in std.range(1, 40)
  },
  rollout: {
    canary: 1,
    waves: ['10%', '50%', '100%'],
    soak: '5m',
    failureBudget: '5%',
    waveFailureBudget: 1,
    onFailure: 'rollback-wave',
    offline: 'hold',
    maxParallel: '25%',
  },
}
