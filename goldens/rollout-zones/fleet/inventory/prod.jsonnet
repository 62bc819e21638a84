{
  name: 'search',
  defaults: { base: 'ubuntu' },
  hosts: {
    ['search-%s%d' % [zone, n]]: { addr: 'search-%s%d.example.org' % [zone, n], tags: { zone: zone } }
    for zone in ['a', 'b', 'c']
    for n in std.range(1, 8)
  },
  rollout: {
    canary: { onePerTag: 'zone' },
    waves: ['25%', '50%'],
    soak: '15m',
    maxParallel: 6,
    failureBudget: 1,
    onFailure: 'rollback-all',
    gate: {
      command: |||
        curl -fsG http://prometheus.example.org/api/v1/query --data-urlencode 'query=search:errors:ratio_rate5m > 0.01' |
          grep -q '"result":\[\]'
      |||,
      interval: '30s',
    },
  },
}
