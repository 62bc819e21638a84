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
      Settings of the kernel, by the names of sysctl(8); null says nothing about one. They hold from the moment they
      change, and a value that the kernel does not take is an error. What is no longer set becomes what it was before.
    '';
  };
}
