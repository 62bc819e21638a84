// What no plan of this fleet may have. `nixfleet compile` asks these rules of every plan,
// `nixfleet policy test` carries out the cases in fleet_test.jsonnet.
local guardrails = import 'nixfleet/guardrails.libsonnet';

local contains(text, part) = std.length(std.findSubstr(part, text)) > 0;

{
  // Ready rules, configured by their arguments.
  noWorldWritable: guardrails.noWorldWritable(),
  noSetuid: guardrails.noSetuid(),
  noUserRemoved: guardrails.noUserRemoved(),

  // A rule of our own: what is always up does not run as root.
  noRootDaemon(plan): [
    {
      host: host.name,
      message: '%s is always up, and runs as root' % unit.name,
      hint: 'give it a user: serviceConfig.User',
    }
    for host in std.objectValues(plan.hosts)
    for unit in host.manifest.units
    if contains(unit.text, 'Restart=always') && !contains(unit.text, 'User=')
  ],
}
