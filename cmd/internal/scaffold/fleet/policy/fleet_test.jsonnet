// What the rules say of plans that we make up: `nixfleet policy test`. Only what matters is written.
{
  'a web host without a check': {
    rule: 'checked',
    plan: { hosts: { 'web-1': { roles: ['web'] } } },
    expect: [{ host: 'web-1', message: 'a web host without a health check' }],
  },
  'a host of another role': {
    rule: 'checked',
    plan: { hosts: { 'db-1': { roles: ['db'] } } },
    expect: [],
  },
}
