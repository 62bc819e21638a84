local host(files) = { manifest: { files: [{ path: file } for file in files] } };
local hosts(n, files) = { hosts: { ['h%d' % i]: host(files) for i in std.range(1, n) } };
local users(names) = { hosts: { a: { manifest: { users: [{ name: name } for name in names] } } } };
local packages(list) = { hosts: { a: { manifest: { packages: [
  { name: std.split(p, ' ')[0], version: std.split(p, ' ')[1] }
  for p in list
] } } } };
{
  'nothing to compare with': { plan: hosts(9, ['/etc/a']), expect: [{ rule: 'replaces', message: 'nobody said which plan this one replaces, so nothing tells what changes' }] },
  'nothing changes': { plan: hosts(9, ['/etc/a']), previous: hosts(9, ['/etc/a']), expect: [] },
  'few hosts change': {
    previous: hosts(9, ['/etc/a']),
    plan: self.previous { hosts+: { h1: host([]), new: host([]) } },
    expect: [],
  },
  'many hosts change': {
    plan: hosts(9, ['/etc/a']),
    previous: hosts(9, ['/etc/b']),
    expect: [{ rule: 'few', message: '9 hosts change; expected at most 2: h1, h2, h3, h4, h5 and 4 more' }],
  },
  'hosts that go change nothing': { plan: hosts(1, []), previous: hosts(9, []), expect: [] },
  'a user is removed': {
    plan: users(['root']),
    previous: users(['root', 'alice', 'guest']),
    expect: [{ rule: 'keepUsers', host: 'a', message: 'the user alice is removed' }],
  },
  'a user is added': { plan: users(['root', 'alice']), previous: users(['root']), expect: [] },
  'packages go forward': { plan: packages(['nginx 1.10', 'curl 8.1']), previous: packages(['nginx 1.9', 'curl 8.1']), expect: [] },
  'a package goes back': {
    plan: packages(['nginx 1.9', 'nightly 1']),
    previous: packages(['nginx 1.10', 'nightly 2', 'gone 1']),
    expect: [{ rule: 'forward', host: 'a', message: 'the package nginx goes back from 1.10 to 1.9' }],
  },
  'the newest of two counts': { plan: packages(['python 3.12']), previous: packages(['python 3.11', 'python 3.12']), expect: [] },
}
