# nixfleet.sysctl: settings of the kernel.
{ lib }:
let
  inherit (lib) mkOption types;
in
{
  _file = "nixfleet: sysctl.nix";

  options.nixfleet.sysctl = mkOption {
    type = types.attrsOf (types.nullOr (types.oneOf [ types.bool types.int types.singleLineStr ]));
    default = { };
    example = {
      "net.ipv4.ip_forward" = 1;
      "net.core.somaxconn" = 1024;
    };
    description = ''
      Kernel settings, by sysctl(8) name; null leaves one alone. They apply immediately, and a value that the kernel rejects
      is an error. A setting that is no longer declared returns to its earlier value.
    '';
  };
}
