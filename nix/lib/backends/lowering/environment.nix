# nixfleet.environment and nixfleet.profile: files in /etc/profile.d.
{ lib }:
let
  file = import ./file.nix;

  atom = v: if builtins.isPath v then "${v}" else toString v;
  joined = v: if builtins.isList v then lib.concatMapStringsSep ":" atom v else atom v;
  # The shell expands variables in it, so only a quote that would end it is escaped.
  quoted = v: "\"${lib.replaceStrings [ "\\\"" "\"" ] [ "\\\"" "\\\"" ] (joined v)}\"";
  isName = name: builtins.match "[A-Za-z_][A-Za-z0-9_]*" name != null;
in
{
  environment,
  profile,
  options,
  positionsIn,
}:
let
  variables = lib.filterAttrs (_: v: v != null) environment.variables;
  badNames = lib.filter (name: !isName name) (lib.attrNames variables);
in
{
  files =
    lib.optionalAttrs (variables != { }) {
      "/etc/profile.d/nixfleet.sh" = file {
        text = lib.concatStrings (lib.mapAttrsToList (name: v: "export ${name}=${quoted v}\n") variables);
        at = positionsIn options.environment.variables (lib.head (lib.attrNames variables));
      };
    }
    // lib.mapAttrs' (name: text: {
      name = "/etc/profile.d/${name}.sh";
      value = file {
        inherit text;
        at = positionsIn options.profile.d name;
      };
    }) profile.d;

  problems =
    map (
      name:
      "nixfleet.environment.variables.${lib.strings.escapeNixIdentifier name} (${positionsIn options.environment.variables name}): a variable's name is made of letters, digits and underscores"
    ) badNames
    ++ lib.optional (variables != { } && profile.d ? nixfleet)
      "nixfleet.profile.d.nixfleet (${positionsIn options.profile.d "nixfleet"}) is where environment.variables go; give it another name";
}
