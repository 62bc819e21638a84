local guardrails = import 'nixfleet/guardrails.libsonnet';
{
  canary: guardrails.canaryRequired(severity='warning'),
  noSetuid: guardrails.noSetuid(),
  noWorldWritable: guardrails.noWorldWritable(),
  owner(plan): [
    { host: host.name, message: 'nobody owns it', hint: 'set tags.owner in the inventory' }
    for host in std.objectValues(plan.hosts)
    if !std.objectHas(host.tags, 'owner')
  ],
}
