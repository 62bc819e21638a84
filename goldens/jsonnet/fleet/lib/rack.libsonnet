// The hosts of a rack: rack(1, 2) is { 'rack-1-1': …, 'rack-1-2': … }.
function(rack, size) {
  ['rack-%d-%d' % [rack, n]]: {
    addr: '10.0.%d.%d' % [rack, n],
    groups: ['rack-%d' % rack],
  }
  for n in std.range(1, size)
}
