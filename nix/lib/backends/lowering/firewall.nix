/*
  nixfleet.firewall: one table of nftables, `inet nixfleet`, in a file that replaces it as a whole, and a service that
  loads the file. Other tables are neither read nor written.
*/
{ lib }:
let
  inherit (lib) concatMap concatMapStrings optional optionals;
  file = import ./file.nix;
  own = import ./own-units.nix { inherit lib; };
  path = "/etc/nixfleet/firewall.nft";
  service = "nixfleet-firewall.service";

  set = values: "{ ${lib.concatMapStringsSep ", " toString values} }";
  spans = map (r: if r.from == r.to then toString r.from else "${toString r.from}-${toString r.to}");

  # The rules that open ports, each after a condition: "" for everybody.
  openings =
    condition: o:
    let
      rule =
        protocol: ports: ranges:
        let
          all = map toString (lib.sort lib.lessThan (lib.unique ports)) ++ spans ranges;
        in
        optional (all != [ ]) "${condition}${protocol} dport ${set all} accept";
    in
    rule "tcp" o.allowedTCPPorts o.allowedTCPPortRanges ++ rule "udp" o.allowedUDPPorts o.allowedUDPPortRanges;

  isV6 = lib.hasInfix ":";
  from = address: "${if isV6 address then "ip6" else "ip"} saddr ${address} ";
  on = interface: "iifname ${builtins.toJSON interface} ";

  rules =
    firewall: sshPorts:
    [
      "ct state { established, related } accept"
      "ct state invalid drop"
    ]
    ++ map (name: "${on name}accept") (lib.unique ([ "lo" ] ++ firewall.trustedInterfaces))
    ++ [
      # Without these, IPv6 and the discovery of a path's packet size do not work.
      "icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem, nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, mld-listener-query } accept"
      "icmp type { destination-unreachable, time-exceeded, parameter-problem } accept"
      "ip6 saddr fe80::/10 udp dport 546 accept"
      "udp sport 67 udp dport 68 accept"
    ]
    ++ optional firewall.allowSSH "tcp dport ${set sshPorts} accept"
    ++ optionals firewall.allowPing [
      "icmp type echo-request accept"
      "icmpv6 type echo-request accept"
    ]
    ++ map (address: "${from address}accept") firewall.trustedSources
    ++ openings "" firewall
    ++ lib.concatLists (lib.mapAttrsToList (name: openings (on name)) firewall.interfaces)
    ++ lib.concatLists (lib.mapAttrsToList (address: openings (from address)) firewall.sources)
    ++ lib.filter (line: line != "") (lib.splitString "\n" firewall.extraInputRules)
    ++ optionals firewall.rejectPackets [
      "meta l4proto tcp reject with tcp reset"
      "reject"
    ];

  indented = prefix: lines: concatMapStrings (line: "${prefix}${line}\n") lines;
  linesOf = text: lib.filter (line: line != "") (lib.splitString "\n" text);

  # Adding the table first makes deleting it possible where there is none; nft does it all at once or not at all.
  text = firewall: sshPorts: ''
    # The table of NixFleet. It is replaced as a whole; other tables stay as they are.
    table inet nixfleet
    delete table inet nixfleet
    table inet nixfleet {
      chain input {
        type filter hook input priority filter; policy drop;
    ${indented "    " (rules firewall sshPorts)}  }
    ${indented "  " (linesOf firewall.extraRules)}}
  '';

  # The elements of a list that may be in mkIf, mkMerge and their like.
  elements =
    v:
    if builtins.isList v then
      v
    else if v._type or null == "merge" then
      concatMap elements v.contents
    else if v._type or null == "if" && !v.condition then
      [ ]
    else if v ? content then
      elements v.content
    else
      [ ];

  # Every opening of a port for one group of peers, with where it is said: `{ from; to; at; }`.
  said =
    positionOf: definitions: get: protocol:
    concatMap (
      definition:
      let
        o = get definition.value;
        at = name: positionOf name o definition;
        ports = "allowed${protocol}Ports";
        portRanges = "allowed${protocol}PortRanges";
        listed = name: elements (o.${name} or [ ]);
      in
      map (port: {
        from = port;
        to = port;
        at = at ports;
      }) (lib.filter builtins.isInt (listed ports))
      ++ map (range: {
        inherit (range) from to;
        at = at portRanges;
      }) (lib.filter (r: builtins.isInt (r.from or null) && builtins.isInt (r.to or null)) (listed portRanges))
    ) definitions;

  show = span: if span.from == span.to then "port ${toString span.from}" else "ports ${toString span.from}-${toString span.to}";

  # Neighbours in their order that overlap.
  twice =
    what: protocol: spans:
    let
      ordered = lib.sort (a: b: a.from < b.from || (a.from == b.from && a.to < b.to)) spans;
      pairs = if ordered == [ ] then [ ] else lib.zipLists ordered (lib.tail ordered);
    in
    concatMap (
      pair:
      optional (pair.snd.from <= pair.fst.to)
        "${what}: the ${protocol} ${show pair.snd} is opened twice, in ${pair.fst.at} and in ${pair.snd.at}"
    ) pairs;

  backwards =
    firewall:
    concatMap (
      r: optional (r.to < r.from) "nixfleet.firewall: the range from ${toString r.from} to ${toString r.to} ends before it begins"
    ) (
      concatMap (o: o.allowedTCPPortRanges ++ o.allowedUDPPortRanges) (
        [ firewall ] ++ lib.attrValues firewall.interfaces ++ lib.attrValues firewall.sources
      )
    );
in
{
  firewall,
  option,
  sshPort,
}:
let
  position = import ../../fleet/position.nix;
  definitions = lib.filter (d: builtins.isAttrs d.value) option.definitionsWithLocations;
  positionOf =
    name: set: definition:
    let
      at = position.of name set;
    in
    if at == "" then position.relative (toString definition.file) else at;
  # The sets in which openings can stand, and how to get there in a definition.
  places =
    [
      {
        what = "nixfleet.firewall";
        get = v: v;
      }
    ]
    ++ map (name: {
      what = "nixfleet.firewall.interfaces.${lib.strings.escapeNixIdentifier name}";
      get = v: v.interfaces.${name} or { };
    }) (lib.attrNames firewall.interfaces)
    ++ map (name: {
      what = "nixfleet.firewall.sources.${lib.strings.escapeNixIdentifier name}";
      get = v: v.sources.${name} or { };
    }) (lib.attrNames firewall.sources);
  # Nobody enables it without a definition, but that may be a function.
  at = if definitions == [ ] then "" else positionOf "enable" (lib.head definitions).value (lib.head definitions);
in
lib.optionalAttrs firewall.enable {
  files.${path} = file {
    text = text firewall (lib.unique [ 22 sshPort ]);
    validate = "nft -c -f %s";
    mode = "0600";
    reloadUnits = [ service ];
    inherit at;
  };

  units = own.oneshot {
    name = service;
    inherit at;
    wantedBy = "sysinit.target";
    unit = {
      Description = "NixFleet's firewall";
      Documentation = "man:nft(8)";
      DefaultDependencies = false;
      Wants = "network-pre.target";
      Before = "network-pre.target shutdown.target";
      Conflicts = "shutdown.target";
    };
    service = {
      ExecStart = "/usr/sbin/nft -f ${path}";
      ExecReload = "/usr/sbin/nft -f ${path}";
      ExecStop = "/usr/sbin/nft delete table inet nixfleet";
    };
  };

  problems =
    concatMap (
      place:
      twice place.what "TCP" (said positionOf definitions place.get "TCP")
      ++ twice place.what "UDP" (said positionOf definitions place.get "UDP")
    ) places
    ++ backwards firewall;
}
