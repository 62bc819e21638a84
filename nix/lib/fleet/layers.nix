/*
  Defaults, groups and the host's own fields on top of each other.

  Single values: the host's over its groups' over the defaults. Lists that collect things: all of them, defaults first.
  The module system does the work; a layer becomes a definition with a priority and an order.
*/
{ lib }:
let
  inherit (builtins) isAttrs isList mapAttrs;

  # Lists that grow from layer to layer; any other list is a value that a nearer layer replaces.
  collecting = [
    [ "hostKeys" ]
    [ "roles" ]
    [ "groups" ]
    [ "modules" ]
    [
      "osUpdates"
      "ubuntu"
      "holds"
    ]
  ];

  go =
    layer: path: value:
    if isAttrs value && !(value ? _type) && !(value ? outPath) then
      mapAttrs (name: go layer (path ++ [ name ])) value
    else if isList value && lib.elem path collecting then
      lib.mkOrder layer.order value
    else
      lib.mkOverride layer.priority value;
in
{
  /** The fields of a layer as a definition. */
  apply = layer: go layer [ ];

  defaults = {
    priority = 140;
    order = 500;
  };

  /** The layer of a host's n-th group: groups that disagree about a single value are an error, their lists keep an order. */
  group = n: {
    priority = 120;
    order = 600 + n;
  };

  # The host's own fields are ordinary definitions: of priority 100 and order 1000, without any wrapping.
}
