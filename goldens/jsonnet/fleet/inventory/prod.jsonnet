local rack = import '../lib/rack.libsonnet';

{
  name: 'racks',
  defaults: { base: 'debian' },
  groups: { ['rack-%d' % n]: { vars: { rack: std.toString(n) } } for n in [1, 2, 3] },
  hosts: rack(1, 2) + rack(2, 2) + rack(3, 2),
}
