(import 'nixfleet/guardrails.libsonnet').freeze('2026-12-20', '2027-01-02', reason='holidays', except=['lab'])
