# nixfleet.packages: what is installed.
{ lib }:
{
  _file = "nixfleet: packages.nix";

  options.nixfleet.packages = lib.mkOption {
    type = lib.types.listOf lib.types.package;
    default = [ ];
    example = lib.literalExpression "[ pkgs.nginx pkgs.git ]";
    description = ''
      Packages that the host gets. Their programs are found below
      `/nix/var/nix/profiles/nixfleet/system/bin`, and they stay on the host for as long as this generation does.
      What a file or a unit refers to comes along by itself and need not be listed.
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
