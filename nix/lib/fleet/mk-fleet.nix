# mkFleet: from what a fleet's flake says to a function from a request of the compiler to its result.
{
  bundledLib,
  libraryVersion,
}:
let
  inherit (import ./arguments.nix { lib = bundledLib; }) checked module;
  position = import ./position.nix;

  # nixpkgs as a flake input, or as a path to it.
  libOf =
    nixpkgs:
    if nixpkgs == null then
      bundledLib
    else
      nixpkgs.lib or (import (nixpkgs + "/lib"));

  packagesOf =
    lib: nixpkgs: system:
    if nixpkgs == null || (nixpkgs ? lib && !(nixpkgs ? legacyPackages)) then
      import ../pkgs { inherit lib system; }
    else if nixpkgs ? legacyPackages then
      nixpkgs.legacyPackages.${system}
    else
      import nixpkgs { inherit system; };

  systems = [
    "x86_64-linux"
    "aarch64-linux"
  ];

  listOf = value: if builtins.isList value then value else [ value ];

  # What an inventory may say is what mkFleet takes of it, under the same names.
  inventoryNames = {
    name = null;
    timeZone = null;
    defaults = null;
    groups = null;
    hosts = null;
    rollout = null;
    rollouts = null;
  };
in
checked (args@{
  nixpkgs ? null,
  inventory ? { },
  name ? null,
  timeZone ? null,
  defaults ? { },
  groups ? { },
  hosts ? { },
  rollout ? { },
  rollouts ? { },
  modules ? [ ],
  roles ? { },
  hostModules ? null,
  packages ? (_: { }),
  specialArgs ? { },
}:
let
  lib = libOf nixpkgs;
  readInventory = import ./inventory.nix { inherit lib; };
  problems = import ./problems.nix { inherit lib; };
  select = import ./select.nix { inherit lib; };
  evaluateHost = (import ./host.nix { inherit lib; }).evaluate;
  framed = import ./frames.nix { inherit lib; };
  named = import ./roles.nix { inherit lib; };

  # A module that is written in place says where, for errors. (Not as an import of another that does: that would change
  # the order of definitions.)
  located =
    what: given:
    let
      m = module what given;
      file = { _file = position.fileOfModule "flake.nix" m; };
      withFile = value: if builtins.isAttrs value then file // value else value;
    in
    if builtins.isFunction m then
      lib.setFunctionArgs (args: withFile (m args)) (builtins.functionArgs m)
    else
      withFile m;
  locatedAll = what: lib.mapAttrs (name: located "${what}.${lib.strings.escapeNixIdentifier name}");

  fleetModules = map (located "modules") (listOf modules);
  roleModules = locatedAll "roles" (named.toSet "roles" roles);
  ownSet = named.toSet "hostModules" hostModules;
  ownModules = locatedAll "hostModules" ownSet;

  pkgsFor = lib.genAttrs systems (
    system:
    let
      base = packagesOf lib nixpkgs system;
      extra = {
        inherit (import ../pkgs { inherit lib system; }) fromFile;
      };
      pkgs = base // extra // packages pkgs;
    in
    pkgs
  );

  ownFields = builtins.intersectAttrs inventoryNames args;
  ownFile = position.fileOf "flake.nix" (builtins.head (builtins.attrNames ownFields ++ [ "hosts" ])) args;

  sourcesOf =
    request:
    (
      if request.inventory or null == null then
        [ ]
      else
        [
          {
            inherit (request.inventory) file;
            # An empty file is no inventory at all.
            value = if request.inventory.value == null then { } else request.inventory.value;
            isNix = false;
          }
        ]
    )
    ++ lib.optional (inventory != { }) {
      file = position.fileOf "flake.nix" "inventory" args;
      value = inventory;
      isNix = true;
    }
    ++ lib.optional (ownFields != { }) {
      file = ownFile;
      value = ownFields;
      isNix = true;
    };

  evaluate =
    request:
    let
      fleet = readInventory {
        sources = sourcesOf request;
        roleNames = lib.attrNames roleModules;
      };
      selected = select.names fleet (request.select or null);
      # A host whose base is wrong says so when it is evaluated.
      isHeavy =
        name:
        nixpkgs != null || (builtins.tryEval (fleet.hosts.${name}.fields.base == "nixos")).value;
      part = if request.part or null == null then { } else request.part;
      inherit (select.part isHeavy selected part) names complete;
      inputs = import ./inputs.nix (request.inputs or { });

      infoOf = name: host: {
        inherit name;
        inherit (host) groups;
        inherit (host.fields)
          base
          system
          addr
          roles
          tags
          vars
          ;
      };
      infos = lib.mapAttrs infoOf fleet.hosts;

      # Of hosts with faults in the inventory, the faults are told and no more.
      faultless = lib.filter (name: fleet.hosts.${name}.problems == [ ]) names;
      evaluated = lib.genAttrs faultless (
        hostName:
        let
          host = fleet.hosts.${hostName};
        in
        builtins.addErrorContext "while evaluating the host `${hostName}':" (evaluateHost {
          inherit host;
          modules =
            fleetModules
            ++ map (role: roleModules.${role}) host.fields.roles
            ++ lib.optional (ownModules ? ${hostName}) ownModules.${hostName}
            ++ map (located "the modules of ${host.where}") host.fields.modules;
          specialArgs = {
            pkgs = pkgsFor.${host.fields.system};
            host = infos.${hostName};
            hosts = infos;
            inherit inputs;
            nixfleet = {
              version = libraryVersion;
            };
          }
          // specialArgs;
        })
      );

      frame = if part.explain or false then framed else _: result: result;
      results = lib.mapAttrs (name: host: frame name host.result) evaluated;
      # Only the names of hosts that fail are wanted.
      survey = part.survey or false;

      # What holds for the fleet is told once.
      isFirst = !(part ? from) && part.slice or 0 == 0;
      # A module for a host that does not exist is a misspelt name.
      strayModules = map (
        name:
        problems.unknown "host" (lib.attrNames fleet.hosts) {
          isNix = true;
          path = [ "hostModules" ];
          at =
            if builtins.isAttrs hostModules then
              position.of "hostModules" args
            else
              "${position.relative (toString hostModules)}/${name}.nix";
          value = if builtins.isAttrs hostModules then hostModules else { };
        } name name
      ) (lib.attrNames (removeAttrs ownSet (lib.attrNames fleet.hosts)));
    in
    {
      version = 1;
      inherit libraryVersion;
      fleet = {
        inherit (fleet)
          name
          timeZone
          rollout
          rollouts
          groupRollouts
          ;
      };
      groups = if isFirst then fleet.members else { };
      hostNames = if isFirst then lib.attrNames fleet.hosts else [ ];
      part = {
        inherit complete;
        selected = if isFirst then selected else [ ];
        heavy = if isFirst then lib.filter isHeavy selected else [ ];
        failing =
          if survey then
            lib.filter (name: !(builtins.tryEval (builtins.deepSeq results.${name} true)).success) faultless
          else
            [ ];
      };
      problems =
        lib.optionals isFirst (fleet.problems ++ strayModules)
        ++ lib.concatMap (name: fleet.hosts.${name}.problems) names;
      warnings = lib.concatMap (
        host: map (message: { inherit host message; }) evaluated.${host}.warnings
      ) (if survey then [ ] else faultless);
      hosts = if survey then { } else results;
      # Hosts that are alike share them.
      texts = lib.attrValues (
        lib.listToAttrs (
          lib.concatMap (host: host.payloads) (if survey then [ ] else lib.attrValues evaluated)
        )
      );
    };
in
{
  _type = "nixfleet-fleet";
  inherit evaluate;
})
