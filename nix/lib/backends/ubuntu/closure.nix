/*
  The host closure of a host that keeps its own operating system: the packages as one directory, and a manifest that
  refers to every store path that a file or a unit mentions. Its references are therefore all that the host needs, and
  one profile link keeps them.

  Its name does not tell the host: hosts that are alike share one closure.
*/
{ lib }:
let
  inherit (builtins)
    concatMap
    filter
    hasContext
    head
    isList
    split
    storeDir
    ;
  tree = import ../../pkgs/tree.nix;
  buildEnv = import ../../pkgs/build-env.nix { inherit lib; };

  # The store paths in a text, without what follows inside them.
  mentioned =
    text:
    map head (
      filter isList (
        split "(${lib.escapeRegex storeDir}/[0-9a-z]{32}-[0-9a-zA-Z+._?=-]+)" (
          builtins.unsafeDiscardStringContext text
        )
      )
    );
in
{
  /** Packages the host installs. */
  packages,
  /** Strings that end up on the host, in files and units for example. */
  strings,
}:
let
  referring = filter (s: s != null && hasContext s) strings;
  paths = lib.attrNames (lib.genAttrs (concatMap mentioned referring) (_: null));
  context = lib.concatMapStrings tree.contextOf referring;
  drv = buildEnv (
    {
      name = "nixfleet-system";
      paths = packages;
    }
    // lib.optionalAttrs (referring != [ ]) {
      manifest = "${
        tree.file {
          name = "nixfleet-manifest";
          path = "manifest.nix";
          text = context + lib.concatLines paths;
        }
      }/manifest.nix";
    }
  );
in
{
  derivation = builtins.unsafeDiscardStringContext drv.drvPath;
  path = builtins.unsafeDiscardStringContext drv.outPath;
}
