/*
  Says of every value of a host which option and host it is of, for whoever reads an error of a module that throws.

  A context counts only while the value itself is forced, so each entry is forced as a whole within its own. That takes half
  as long again as without, and is asked for where an evaluation failed.
*/
{ lib }:
let
  inherit (builtins)
    addErrorContext
    attrNames
    attrValues
    deepSeq
    foldl'
    intersectAttrs
    mapAttrs
    seq
    ;
  inherit (lib.strings) escapeNixIdentifier;

  # The fields of a result that hold entries by name, and their options.
  entriesOf = {
    accountGroups = "groups";
    directories = "directories";
    files = "files";
    healthChecks = "healthChecks";
    hooks = "hooks";
    masks = "systemd.masks";
    secrets = "secrets";
    tasks = "tasks";
    units = "systemd.units";
    users = "users";
  };

  # Further fields that are options.
  optionOf = {
    osUpdates = "osUpdates";
    packages = "packages";
    reboot = "reboot";
    rollout = "rollout";
  };

  forceAll = foldl' (_: value: seq value null) null;
in
/**
  The result of a host, with a context for every field.
*/
host: result:
let
  whole = context: value: addErrorContext context (deepSeq value value);
  option = path: whole "while evaluating the option `hosts.${escapeNixIdentifier host}.nixfleet.${path}':";
  ofHost = whole "while evaluating the host `${host}':";

  entries = mapAttrs (
    field: mapAttrs (name: option "${entriesOf.${field}}.${escapeNixIdentifier name}")
  ) (intersectAttrs entriesOf result);
  options = mapAttrs (field: option optionOf.${field}) (intersectAttrs optionOf result);
  # What a host is made of is forced before the closure, which reads it without a context.
  rest = mapAttrs (_: ofHost) (removeAttrs result (attrNames entriesOf ++ attrNames optionOf));
  first = forceAll (map (field: forceAll (attrValues field)) (attrValues entries));
in
entries // options // rest // { closure = seq first rest.closure; }
