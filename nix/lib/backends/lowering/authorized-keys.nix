# The SSH keys of users, as files in their home directories.
{ lib }:
let
  inherit (lib) concatMap optional;
  file = import ./file.nix;
  place = import ./place.nix { inherit lib; };

  linesOf = path: lib.filter (line: lib.trim line != "") (lib.splitString "\n" (builtins.readFile path));
  keysOf =
    user:
    lib.unique (
      user.keys ++ user.openssh.authorizedKeys.keys ++ concatMap linesOf user.openssh.authorizedKeys.keyFiles
    );

  # One may have options before it, as sshd(8) says; that there is a key at all is what can be told here.
  isKey =
    key:
    lib.hasPrefix "#" key
    || builtins.match "(.* )?(ssh|ecdsa|sk-ssh|sk-ecdsa)-[a-z0-9@.-]+ AAAA[A-Za-z0-9+/]+={0,3}( .*)?" key != null;

  homeOf =
    name: user:
    if user.home != null then
      toString user.home
    else if user.system then
      null
    else
      "/home/${name}";
in
{
  users,
  directories,
  positions,
}:
let
  withKeys = lib.filterAttrs (_: keys: keys != [ ]) (lib.mapAttrs (_: keysOf) users);
  owned = name: {
    owner = name;
    inherit (users.${name}) group;
    at = positions name;
  };
  withHome = lib.filterAttrs (name: _: homeOf name users.${name} != null) withKeys;
  ssh = name: "${homeOf name users.${name}}/.ssh";
in
{
  files = lib.mapAttrs' (name: keys: {
    name = "${ssh name}/authorized_keys";
    value = file (
      {
        text = lib.concatLines keys;
        mode = "0600";
        inherit (users.${name}) adopt;
      }
      // owned name
    );
  }) withHome;

  # Where the fleet says itself how .ssh is to be, that holds.
  directories = lib.filterAttrs (path: _: !(directories ? ${path})) (
    lib.mapAttrs' (name: _: {
      name = ssh name;
      value = {
        mode = "0700";
        inherit (users.${name}) adopt;
      }
      // owned name;
    }) withHome
  );

  problems = lib.concatLists (
    lib.mapAttrsToList (
      name: keys:
      let
        here = place.of "users" name (positions name);
      in
      optional (homeOf name users.${name} == null) "${here}: keys need a home, where they stand in .ssh/authorized_keys"
      ++ map (key: "${here}: ${lib.strings.escapeNixString key} is no public key; expected a line such as \"ssh-ed25519 AAAA… ada@laptop\"") (
        lib.filter (key: !isKey key) keys
      )
    ) withKeys
  );
}
