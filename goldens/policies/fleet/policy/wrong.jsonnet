local words = {
  check(plan): plan.hostz,
};
{
  misspelt(plan): words.check(plan),
  outside(plan): import '../../secrets.libsonnet',
  text(plan): 'no',
}
