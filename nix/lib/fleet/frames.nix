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

  # The lists of a manifest whose elements are entries of an option, and their options.
  entriesOf = {
    directories = "directories";
    files = "files";
    groups = "groups";
    healthChecks = "healthChecks";
    hooks = "hooks";
    secrets = "secrets";
    tasks = "tasks";
    units = "systemd.units";
    users = "users";
  };

  # Further fields that are options.
  optionOf = {
    masks = "systemd.masks";
    osUpdates = "osUpdates";
    packages = "packages";
    reboot = "reboot";
  };

  forceAll = foldl' (_: value: seq value null) null;
in
/**
  The result of a host, with a context for every field.
*/
host: result:
let
  inherit (result) manifest;
  whole = context: value: addErrorContext context (deepSeq value value);
  option = path: whole "while evaluating the option `hosts.${escapeNixIdentifier host}.nixfleet.${path}':";
  ofHost = whole "while evaluating the host `${host}':";

  # Their names are not taken from the entries, which would force these.
  entries = mapAttrs (
    field:
    lib.zipListsWith (name: option "${entriesOf.${field}}.${escapeNixIdentifier name}") (
      attrNames result.at.${entriesOf.${field}}
    )
  ) (intersectAttrs entriesOf manifest);
  options = mapAttrs (field: option optionOf.${field}) (intersectAttrs optionOf manifest);
  # What a host is made of is forced before everything that reads it without a context.
  first = forceAll (map forceAll (attrValues entries));
  afterwards = mapAttrs (_: value: seq first (ofHost value));
in
afterwards (removeAttrs result [ "manifest" ])
// {
  manifest =
    afterwards (removeAttrs manifest (attrNames entriesOf ++ attrNames optionOf)) // entries // options;
}
