// What no plan of this fleet may have. `nixfleet compile` asks these rules of every plan, and makes none
// where one of them is broken.
local guardrails = import 'nixfleet/guardrails.libsonnet';

{
  // Rules that come along with NixFleet.
  noWorldWritable: guardrails.noWorldWritable(),
  noSetuid: guardrails.noSetuid(),
  canary: guardrails.canaryRequired(),
  // These compare with the plan before, where the workflow `review` gives it.
  keepUsers: guardrails.noUserRemoved(severity='warning'),
  // holidays: guardrails.freeze('2026-12-20', '2027-01-02', reason='holidays'),

  // A rule of our own: whoever has a service has a check that tells whether it works.
  checked(plan): [
    {
      host: host.name,
      message: 'a web host without a health check',
      hint: 'declare one in nixfleet.healthChecks',
    }
    for host in std.objectValues(plan.hosts)
    if std.member(host.roles, 'web') && host.manifest.healthChecks == []
  ],
}
