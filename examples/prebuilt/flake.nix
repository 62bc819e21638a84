{
  description = "A fleet whose program CI built: nixfleet compile --input myapp=./myapp";

  outputs = _: {
    nixfleet =
      { nixfleet, inputs, ... }:
      nixfleet.mkFleet {
        name = "prebuilt";

        hosts.app-1 = {
          base = "debian";
          addr = "10.0.2.11";
        };

        modules = [ ./modules/myapp.nix ];

        # The file becomes a package with bin/myapp in it. The plan names it by hash.
        packages = pkgs: {
          myapp = pkgs.fromFile {
            name = "myapp";
            path = inputs.myapp or (throw "this fleet needs its program: --input myapp=./myapp");
          };
        };
      };
  };
}
