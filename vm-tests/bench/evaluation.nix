/*
  The values of a fleet's options, with the lib that is given: 1,000 hosts of 20 files, 3 units and a user, each with texts
  of its own. Without a lib, the same data as plain Nix.
*/
{
  lib ? null,
  hosts ? 1000,
}:
let
  numbers = from: to: builtins.genList (n: from + n) (to - from + 1);
  named = f: names: builtins.listToAttrs (map f names);
  names = map (n: "web-${toString n}") (numbers 1 hosts);

  files =
    host:
    named (n: {
      name = "/etc/app/${toString n}.conf";
      value = {
        text = "host = ${host}\nfile = ${toString n}\n";
        mode = "0640";
        group = "app";
        restartUnits = [ "app-1.service" ];
      };
    }) (numbers 1 20);

  units = named (n: {
    name = "app-${toString n}.service";
    value = {
      text = "[Service]\nExecStart=/bin/app ${toString n}\n[Install]\nWantedBy=multi-user.target\n";
      enabled = true;
    };
  }) (numbers 1 3);

  users.app = {
    system = true;
    uid = 991;
    home = "/var/lib/app";
  };

  module = host: {
    nixfleet = {
      files = files host;
      systemd = { inherit units; };
      inherit users;
    };
  };
  base = lib.evalModules { modules = import ../../nix/lib/intent { inherit lib; }; };
  evaluated =
    host:
    let
      inherit ((base.extendModules { modules = [ (module host) ]; }).config) nixfleet;
    in
    {
      inherit (nixfleet) files users;
      inherit (nixfleet.systemd) units;
    };

  # What the options add to what is said.
  plain = host: {
    files = builtins.mapAttrs (
      _: file:
      {
        symlink = null;
        source = null;
        owner = "root";
        reloadUnits = [ ];
        validate = null;
        adopt = false;
      }
      // file
    ) (files host);
    inherit units users;
  };
in
named (name: {
  inherit name;
  value = if lib == null then plain name else evaluated name;
}) names
