# nixfleet.packages: what is installed.
{ lib }:
{
  _file = "nixfleet: packages.nix";

  options.nixfleet.packages = lib.mkOption {
    type = lib.types.listOf lib.types.package;
    default = [ ];
    example = lib.literalExpression "[ pkgs.nginx pkgs.git ]";
    description = ''
      Packages of the host. Their programs are in `/nix/var/nix/profiles/nixfleet/system/bin`, and they stay on the host as
      long as this generation does. Packages that a file or unit refers to are included automatically.
    '';
  };

  # Sorted, each once.
  freeze =
    { config, ... }:
    {
      manifest.packages = lib.attrNames (
        lib.genAttrs (map (package: builtins.unsafeDiscardStringContext "${package}") config.packages) (_: null)
      );
    };
}
