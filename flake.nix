{
  description = "NixFleet: plans for fleets of Ubuntu, Debian and NixOS hosts, evaluated with Nix";

  # No inputs, so it works without a network.
  outputs =
    _:
    let
      nixfleet = import ./nix/lib { };
    in
    {
      # mkFleet, for fleets that take this flake as an input: nixfleet.lib.mkFleet { … }.
      lib = {
        inherit (nixfleet) mkFleet version;
      };

      # nix flake init -t …
      templates = {
        default = {
          path = ./examples/fleet;
          description = "A small fleet: two web hosts and the host that keeps their data";
        };
        prebuilt = {
          path = ./examples/prebuilt;
          description = "A fleet whose program CI built";
        };
      };
    };
}
