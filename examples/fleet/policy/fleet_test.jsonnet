local unit(text) = { hosts: { 'web-1': { manifest: { units: [{ name: 'web.service', text: text }] } } } };

{
  'a daemon with a user of its own': {
    rule: 'noRootDaemon',
    plan: unit('[Service]\nRestart=always\nUser=web\n'),
    expect: [],
  },
  'a daemon that runs as root': {
    rule: 'noRootDaemon',
    plan: unit('[Service]\nRestart=always\n'),
    expect: [{ host: 'web-1', message: 'web.service is always up, and runs as root' }],
  },
  'a script that runs as root': {
    rule: 'noRootDaemon',
    plan: unit('[Service]\nType=oneshot\n'),
    expect: [],
  },
  'a file for everybody to write': {
    plan: { hosts: { 'db-1': { manifest: { files: [{ path: '/etc/db.conf', mode: '0666' }] } } } },
    expect: [{ rule: 'noWorldWritable', host: 'db-1', severity: 'error' }],
  },
  'a user that is gone': {
    previous: { hosts: { 'db-1': { manifest: { users: [{ name: 'alice' }] } } } },
    plan: { hosts: { 'db-1': {} } },
    expect: [{ rule: 'noUserRemoved', message: 'the user alice is removed' }],
  },
}
