# The fleet. `nixfleet compile` reads the output `nixfleet` of this flake; inventory/prod.yaml says who is there.
{
  description = "Our fleet";

  # A fleet that manages files, units, users and programs of its own needs no input. With packages of
  # nixpkgs: inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-25.05", and below
  # `outputs = { nixpkgs, ... }:` and `inherit nixpkgs;` in mkFleet.
  outputs = _: {
    nixfleet =
      { nixfleet, ... }:
      nixfleet.mkFleet {
        # What every host gets.
        modules = [ ./modules/base.nix ];

        # What a host gets that lists the role in the inventory.
        roles.web = ./modules/web.nix;

        # hosts/web-1.nix is the module of web-1 alone.
        hostModules = ./hosts;
      };
  };
}
