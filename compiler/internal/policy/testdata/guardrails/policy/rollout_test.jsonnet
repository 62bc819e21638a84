local hosts(groups) = { ['h%d' % i]: { groups: groups[i] } for i in std.range(0, std.length(groups) - 1) };
local none = [[], [], [], []];
{
  'few hosts need no canary': { rule: 'canary', plan: { hosts: hosts([[], [], []]) }, expect: [] },
  'all hosts at once': {
    rule: 'canary',
    plan: { hosts: hosts(none) },
    expect: [{ severity: 'error', message: 'there is no canary: the first wave, all, has 4 of 4 hosts; expected at most 2' }],
  },
  'a canary': {
    rule: 'canary',
    plan: { hosts: hosts(none), rollout: { waves: [{ name: 'canary', hosts: ['h0', 'h1'] }, { name: 'all', hosts: ['h2', 'h3'] }] } },
    expect: [],
  },
  'a canary that is too large': {
    rule: 'canary',
    plan: { hosts: hosts(none), rollout: { waves: [{ name: 'canary', hosts: ['h0', 'h1', 'h2'] }, { name: 'all', hosts: ['h3'] }] } },
    expect: [{ message: 'there is no canary: the first wave, canary, has 3 of 4 hosts; expected at most 2' }],
  },
  'nobody reboots': { plan: { hosts: hosts([['db'], ['db']]) }, expect: [] },
  'two of a group reboot together': {
    plan: {
      hosts: hosts([['db'], ['db'], ['web']]),
      rollout: { reboots: { waves: [{ wave: 'all', hosts: ['h0', 'h1', 'h2'], windows: ['Sun 02:00-04:00'] }] } },
    },
    expect: [
      { rule: 'reboots', message: 'hosts of the group db reboot in one wave (all, Sun 02:00-04:00): h0, h1' },
      { rule: 'dbReboots', severity: 'warning' },
    ],
  },
  'two of a group reboot apart': {
    plan: {
      hosts: hosts([['db'], ['db'], ['web'], ['web']]),
      rollout: {
        waves: [{ name: 'canary', hosts: ['h0'] }, { name: 'all', hosts: ['h1', 'h2', 'h3'] }],
        reboots: { waves: [{ wave: 'canary', hosts: ['h0', 'h2'] }, { wave: 'all', hosts: ['h1', 'h3'] }] },
      },
    },
    expect: [],
  },
  'another group than the one that is asked about': {
    rule: 'dbReboots',
    plan: { hosts: hosts([['web'], ['web']]), rollout: { reboots: { waves: [{ wave: 'all', hosts: ['h0', 'h1'] }] } } },
    expect: [],
  },
}
