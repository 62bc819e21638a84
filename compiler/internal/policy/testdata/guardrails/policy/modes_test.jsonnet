local host(manifest) = { hosts: { 'web-1': { manifest: manifest } } };
{
  'usual modes': {
    plan: host({
      files: [{ path: '/etc/a', mode: '0644' }, { path: '/etc/b', mode: '0755' }, { path: '/etc/c', mode: '0777', symlink: '/etc/a' }],
      directories: [{ path: '/srv/tmp', mode: '1777' }, { path: '/srv/shared', mode: '2775' }],
      secrets: [{ name: 'key', path: '/run/nixfleet-secrets/key' }],
    }),
    expect: [],
  },
  'for everybody to write': {
    plan: host({
      files: [{ path: '/etc/a', mode: '0666' }, { path: '/srv/drop/b', mode: '0666' }, { path: '/srv/dropped', mode: '0602' }],
      directories: [{ path: '/srv/d', mode: '0777' }],
      secrets: [{ name: 'key', path: '/run/nixfleet-secrets/key', mode: '0666' }],
    }),
    expect: [
      { host: 'web-1', severity: 'warning', message: 'file /etc/a can be written by everybody (mode 0666)' },
      { host: 'web-1', message: 'file /srv/dropped can be written by everybody (mode 0602)' },
      { host: 'web-1', message: 'directory /srv/d can be written by everybody (mode 0777)' },
      { host: 'web-1', message: 'secret /run/nixfleet-secrets/key can be written by everybody (mode 0666)' },
    ],
  },
  'setuid and setgid': {
    plan: host({ files: [
      { path: '/usr/local/bin/su', mode: '4755' },
      { path: '/usr/local/bin/wall', mode: '2755', group: 'tty' },
      { path: '/usr/local/bin/ping', mode: '4755' },
      { path: '/usr/local/bin/plain', mode: '1755' },
    ] }),
    expect: [
      { rule: 'noSetuid', severity: 'error', message: 'file /usr/local/bin/su is setuid root (mode 4755)' },
      { rule: 'noSetuid', message: 'file /usr/local/bin/wall is setgid tty (mode 2755)' },
    ],
  },
  'of every host that has it': {
    local same = { manifest: { files: [{ path: '/etc/a', mode: '4644' }] } },
    plan: { hosts: { a: same, b: same, c: {} } },
    expect: [{ host: 'a', rule: 'noSetuid' }, { host: 'b', rule: 'noSetuid' }],
  },
}
