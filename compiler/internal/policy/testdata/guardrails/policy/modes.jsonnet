local guardrails = import 'nixfleet/guardrails.libsonnet';
{
  noSetuid: guardrails.noSetuid(except=['/usr/local/bin/ping']),
  noWorldWritable: guardrails.noWorldWritable(except=['/srv/drop/'], severity='warning'),
}
