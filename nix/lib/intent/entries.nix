/*
  How options that hold entries by name are frozen: as a list sorted by name, beside where each entry was written.
*/
{ lib }:
let
  inherit (lib.strings) escapeNixIdentifier escapeNixString;

  place =
    { options, positionsIn, ... }:
    set: name:
    let
      at = positionsIn options.${set} name;
    in
    "nixfleet.${set}.${escapeNixIdentifier name}${lib.optionalString (at != "") " (${at})"}";

  # What operators type and tables show.
  isName = name: builtins.match "[A-Za-z0-9][A-Za-z0-9._-]{0,99}" name != null;
in
{
  /** How messages name an entry: `nixfleet.hooks.drain (modules/web.nix:12)`. */
  inherit place;

  /** The entries of `nixfleet.${set}`, each as `freeze name entry` makes it, with the problems of their names. */
  frozen =
    args@{ config, options, positionsIn, ... }:
    set: freeze:
    let
      entries = config.${set};
    in
    # Most hosts have none.
    if entries == { } then
      { problems = [ ]; }
    else
      {
        manifest.${set} = lib.mapAttrsToList (name: entry: freeze name entry // { inherit name; }) entries;
        at.${set} = builtins.mapAttrs (name: _: positionsIn options.${set} name) entries;
        problems = map (
          name:
          "${place args set name}: ${escapeNixString name} is not a name of letters, digits, '.', '_' and '-' of at most 100 characters"
        ) (lib.filter (name: !isName name) (lib.attrNames entries));
      };
}
