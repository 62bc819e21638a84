/*
  The bases: the operating systems that hosts can have. To add one, make a directory here and list it in `all`.

  Each is a value
    names         the names by which inventories have it
    alternatives  what its hosts cannot do: options, as paths below `nixfleet`, with what to write instead
    lower         from a host's intent to its manifest; ./lowering has what bases share
    closure       from packages and strings to the host's closure; null where a base has none
*/
{ lib }:
let
  all = map (base: import base { inherit lib; }) [
    ./ubuntu
    ./nixos
  ];
in
{
  names = lib.concatMap (base: base.names) all;

  /** The base of a name. */
  of = lib.listToAttrs (lib.concatMap (base: map (name: lib.nameValuePair name base) base.names) all);

  /** Messages of what a host's intent asks for that its base cannot do; `options` are those below nixfleet. */
  unsupported =
    name: base: options:
    lib.concatLists (
      lib.mapAttrsToList (
        option: instead:
        let
          path = lib.splitString "." option;
          # Defaults are definitions of our own files.
          files = lib.filter (file: !lib.hasPrefix "nixfleet: " file) (map toString (lib.getAttrFromPath path options).files);
        in
        lib.optional (files != [ ])
          "nixfleet.${option}: hosts of base ${name} do not have this option, which is set in ${
            lib.concatMapStringsSep ", " (import ../fleet/position.nix).relative files
          }; ${instead}"
      ) base.alternatives
    );
}
