local change = { plan: { hosts: { a: {}, b: {} } }, previous: { hosts: { a: { manifest: { users: [{ name: 'x' }] } }, b: {} } } };
{
  'the day before': change { date: '2026-12-19', expect: [] },
  'the first day': change {
    date: '2026-12-20',
    expect: [{
      rule: 'freeze',
      severity: 'error',
      message: 'on 2026-12-20 nothing may change: 2026-12-20 to 2027-01-02 is a freeze (holidays), and hosts change: a',
    }],
  },
  'the last day': change { date: '2027-01-02', expect: [{ severity: 'error' }] },
  'the day after': change { date: '2027-01-03', expect: [] },
  'nothing changes': change { previous: self.plan, date: '2026-12-24', expect: [] },
  'the first plan': change { previous: null, date: '2026-12-24', expect: [{ severity: 'error' }] },
  'exempt hosts': { plan: { hosts: { a: { groups: ['lab'] } } }, date: '2026-12-24', expect: [] },
  'nobody said which day it is': change { expect: [{ severity: 'warning', message: 'nobody said which day it is, and nothing may change from 2026-12-20 to 2027-01-02 (holidays)' }] },
}
