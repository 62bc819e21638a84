/*
  The union of packages as a directory of symbolic links, made by Nix itself (`builtin:buildenv`).

  `manifest` is a store path that the result links as manifest.nix; what it refers to belongs to the closure.
*/
{ lib }:
let
  # The outputs of a package that belong into a profile.
  outputsOf =
    pkg:
    if lib.isAttrs pkg && pkg ? meta.outputsToInstall && !(pkg.outputSpecified or false) then
      map (output: "${pkg.${output}}") pkg.meta.outputsToInstall
    else
      [ "${pkg}" ];
in
{
  name,
  paths,
  manifest ? builtins.toFile "manifest.nix" "[ ]\n",
}:
derivation {
  inherit name manifest;
  system = "builtin";
  builder = "builtin:buildenv";
  preferLocalBuild = true;
  allowSubstitutes = false;
  # For each package: whether it is active, its priority, the number of its outputs, and these.
  derivations = map (
    pkg:
    let
      outputs = outputsOf pkg;
    in
    [
      "true"
      (toString (pkg.meta.priority or 5))
      (toString (lib.length outputs))
    ]
    ++ outputs
  ) paths;
}
