# assertions and warnings, by the names and rules that NixOS has for them.
{ lib }:
let
  inherit (lib) mkOption types;
in
{
  _file = "nixfleet: assertions.nix";

  options = {
    assertions = mkOption {
      type = types.listOf types.unspecified;
      default = [ ];
      internal = true;
      example = lib.literalExpression ''[ { assertion = config.nixfleet.users ? myapp; message = "myapp needs its user"; } ]'';
      description = "Conditions that must hold. The messages of those that do not are reported as errors.";
    };

    warnings = mkOption {
      type = types.listOf types.str;
      default = [ ];
      internal = true;
      example = [ "The option `services.foo' is deprecated." ];
      description = "Messages to print when the fleet is compiled.";
    };
  };
}
