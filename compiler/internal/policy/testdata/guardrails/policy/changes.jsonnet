local guardrails = import 'nixfleet/guardrails.libsonnet';
{
  replaces: guardrails.replacesRequired(),
  few: guardrails.maxHostsChanged(2),
  keepUsers: guardrails.noUserRemoved(except=['guest']),
  forward: guardrails.noDowngrade(except=['nightly']),
}
