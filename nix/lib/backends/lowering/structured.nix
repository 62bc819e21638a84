# Structured units: services, timers and the others that are given as options, as texts.
{ lib }:
let
  sections = import ./unit-sections.nix { inherit lib; };
  serviceSettings = import ./service-settings.nix { inherit lib; };
  unitText = import ./unit-text.nix { inherit lib; };
  unitName = import ./unit-name.nix { inherit lib; };
  place = import ./place.nix { inherit lib; };

  notEmpty = lib.filterAttrs (_: v: v != [ ] && v != "");

  # By kind: the name of its section, and what is in it. Targets have none.
  kinds = {
    automount.Automount = here: _: u: sections.beside here "automountConfig" [ ] { Where = u.where; } u.automountConfig;
    mount.Mount =
      here: _: u:
      sections.beside here "mountConfig" [ ] (
        {
          What = u.what;
          Where = u.where;
        }
        // notEmpty {
          Type = u.type;
          Options = u.options;
        }
      ) u.mountConfig;
    path.Path = _: _: u: u.pathConfig;
    service.Service = serviceSettings;
    slice.Slice = _: _: u: u.sliceConfig;
    socket.Socket =
      here: _: u:
      sections.beside here "socketConfig" [ "ListenStream" "ListenDatagram" ] (notEmpty {
        ListenStream = u.listenStreams;
        ListenDatagram = u.listenDatagrams;
      }) u.socketConfig;
    target = { };
    timer.Timer = _: _: u: u.timerConfig;
  };

  # systemd refuses a service without any of these.
  doesSomething =
    u:
    u.script != ""
    || u.preStop != ""
    || u.serviceConfig ? ExecStart
    || u.serviceConfig ? ExecStop
    || u.unitConfig ? SuccessAction;

  one =
    kind: option:
    { name, unit, at }:
    let
      here = place.of option name at;
      text = unitText.render here (
        [
          {
            name = "Unit";
            settings = sections.unit here unit;
          }
        ]
        ++ lib.mapAttrsToList (section: settings: {
          name = section;
          settings = settings here name unit;
        }) kinds.${kind}
        ++ [
          {
            name = "Install";
            settings = sections.install unit;
          }
        ]
      );
      isDropIn = unit.overrideStrategy == "asDropin";
      installs = unit.wantedBy ++ unit.requiredBy ++ unit.upheldBy ++ unit.aliases;
    in
    {
      name = "${name}.${kind}";
      inherit
        at
        here
        kind
        text
        isDropIn
        ;
      inherit (unit) enable adopt reloadTriggers;
      problems =
        lib.optional (lib.hasSuffix ".${kind}" name) "${here}: the name is without suffix; write nixfleet.${option}.${
          lib.strings.escapeNixIdentifier (lib.removeSuffix ".${kind}" name)
        }"
        ++ lib.optional (kind == "service" && unit.enable && !isDropIn && !doesSomething unit)
          "${here}: the service does nothing; give it a script, or serviceConfig.ExecStart"
        ++ lib.optional (isDropIn && installs != [ ]) "${here}: a drop-in cannot enable a unit; leave wantedBy, requiredBy, upheldBy and aliases out";
    };

  named =
    positionsIn: opts:
    let
      positions = positionsIn opts;
    in
    lib.mapAttrsToList (name: unit: {
      inherit name unit;
      at = positions name;
    });

  # Mounts have no names; their positions are found by their paths.
  listed =
    fileOf: opts: units:
    map (unit: {
      name = unitName.ofPath unit.where;
      inherit unit;
      at = fileOf opts unit.where;
    }) units;

  blankTimer =
    (lib.evalModules {
      modules = [
        {
          options.timer = (import ../../intent/systemd/timers.nix { inherit lib; }).options.nixfleet.systemd.timers;
          config.timer.blank = { };
        }
      ];
    }).config.timer.blank;

  # The timers of services that say startAt, beside those that are declared.
  withStartAt =
    services: timers:
    timers
    // lib.mapAttrs (
      name: service:
      let
        timer = timers.${name} or blankTimer;
      in
      timer
      // {
        wantedBy = lib.unique (timer.wantedBy ++ [ "timers.target" ]);
        timerConfig = timer.timerConfig // {
          OnCalendar = service.startAt ++ lib.toList (timer.timerConfig.OnCalendar or [ ]);
        };
      }
    ) (lib.filterAttrs (_: service: service.enable && service.startAt != [ ]) services);

  isEmpty =
    systemd:
    systemd.services == { }
    && systemd.timers == { }
    && systemd.sockets == { }
    && systemd.paths == { }
    && systemd.slices == { }
    && systemd.targets == { }
    && systemd.mounts == [ ]
    && systemd.automounts == [ ];
in
{
  inherit isEmpty;

  /** All structured units of a host: `[{ name, text, enable, adopt, reloadTriggers, isDropIn, kind, at, here, problems }]`. */
  units =
    {
      systemd,
      options,
      positionsIn,
    }:
    let
      timerOrService =
        name:
        let
          at = positionsIn options.timers name;
        in
        if at == "" then positionsIn options.services name else at;
      positionOfPath =
        option: where:
        let
          sets = lib.filter (v: builtins.isAttrs v && v.where or null == where) (
            lib.concatMap (d: d.value) option.definitionsWithLocations
          );
        in
        if sets == [ ] then "" else (import ../../fleet/position.nix).of "where" (lib.head sets);
      of = kind: option: map (one kind option);
    in
    of "service" "systemd.services" (named positionsIn options.services systemd.services)
    ++ of "timer" "systemd.timers" (
      lib.mapAttrsToList (name: unit: {
        inherit name unit;
        at = timerOrService name;
      }) (withStartAt systemd.services systemd.timers)
    )
    ++ of "socket" "systemd.sockets" (named positionsIn options.sockets systemd.sockets)
    ++ of "path" "systemd.paths" (named positionsIn options.paths systemd.paths)
    ++ of "slice" "systemd.slices" (named positionsIn options.slices systemd.slices)
    ++ of "target" "systemd.targets" (named positionsIn options.targets systemd.targets)
    ++ of "mount" "systemd.mounts" (listed positionOfPath options.mounts systemd.mounts)
    ++ of "automount" "systemd.automounts" (listed positionOfPath options.automounts systemd.automounts);
}
