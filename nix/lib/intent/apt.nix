# nixfleet.apt: what is fixed of the operating system's packages.
{ lib }:
let
  access = import ./access.nix { inherit lib; };
  packageName = lib.types.strMatching "[a-z0-9][a-z0-9+.-]{1,127}" // {
    description = "package name without an architecture, such as \"nginx\"";
  };
in
{
  _file = "nixfleet: apt.nix";

  options.nixfleet.apt.holds = lib.mkOption {
    type = lib.types.listOf packageName;
    default = [ ];
    example = [ "postgresql-15" ];
    description = ''
      Installed packages of the operating system that stay at their version, as with `apt-mark hold`. A hold that was
      there before stays when it is taken out of this list.
    '';
  };

  freeze =
    { config, ... }:
    {
      manifest = lib.optionalAttrs (config.apt.holds != [ ]) { holds = access.sorted config.apt.holds; };
    };
}
