// How policies and their tests are asked. Every function here returns plain data.
local view = import 'nixfleet/internal/view.libsonnet';

local parametersOf(value) = if std.isFunction(value) then std.length(value) else std.type(value);

local call(rule, arguments) =
  local count = std.length(rule);
  if count == 0 then rule()
  else if count == 1 then rule(arguments[0])
  else if count == 2 then rule(arguments[0], arguments[1])
  else rule(arguments[0], arguments[1], arguments[2]);

local ruleOf(policy, name) = if std.isFunction(policy) then policy else policy[name];

local callAll(policy, names, arguments) = {
  [name]: if std.native('nixfleet.begin')(name) then call(ruleOf(policy, name), arguments)
  for name in names
};

{
  // The rules of a policy with how many parameters they take.
  rules(policy, alone)::
    if std.isFunction(policy) then { [alone]: parametersOf(policy) }
    else if std.isObject(policy) then { [name]: parametersOf(policy[name]) for name in std.objectFields(policy) }
    else std.type(policy),

  // What rules return, by name. Together, so that manifests are made once for all.
  check(policy, names, date)::
    local previous = view.whole('previous', null);
    local arguments = [view.whole('plan', previous), previous, { date: date }];
    callAll(policy, names, arguments),

  // The cases of a test, without their plans, in the order in which they are asked.
  cases(test)::
    local named =
      if std.isObject(test) then [{ name: name, case: test[name] } for name in std.objectFields(test)]
      else if std.isArray(test) then std.mapWithIndex(function(i, case) { name: 'case %d' % (i + 1), case: case }, test)
      else std.type(test);
    if std.isString(named) then named
    else [
      { name: item.name } + (
        if std.isObject(item.case) then {
          fields: std.objectFields(item.case),
          [if std.objectHas(item.case, 'policy') then 'policy']: item.case.policy,
          [if std.objectHas(item.case, 'rule') then 'rule']: item.case.rule,
          [if std.objectHas(item.case, 'expect') then 'expect']: item.case.expect,
        } else { type: std.type(item.case) }
      )
      for item in named
    ],

  checkCase(policy, names, file, test, index)::
    local list = if std.isObject(test) then std.objectValues(test) else test;
    local case = list[index];
    local field(name) = if std.objectHas(case, name) then case[name] else null;
    local previous = view.ofTest(file, field('previous'), null);
    local arguments = [view.ofTest(file, field('plan'), previous), previous, { date: field('date') }];
    callAll(policy, names, arguments),
}
