local guardrails = import 'nixfleet/guardrails.libsonnet';
{
  canary: guardrails.canaryRequired(largest=2, from=4),
  reboots: guardrails.oneRebootPerGroup(),
  dbReboots: guardrails.oneRebootPerGroup(groups=['db'], severity='warning'),
}
