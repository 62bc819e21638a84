{
  description = "A small fleet: two web hosts and the host that keeps their data";

  # No inputs: a fleet that manages files, units, users and its own programs needs none.
  outputs = _: {
    nixfleet =
      { nixfleet, ... }:
      nixfleet.mkFleet {
        # What every host gets.
        modules = [
          ./modules/base.nix
          ./modules/users.nix
          ./modules/files.nix
        ];

        # What a host gets that lists the role in inventory/prod.yaml.
        roles = {
          web = ./modules/web.nix;
          db = ./modules/db.nix;
          backup = ./modules/backup.nix;
        };

        # hosts/web-1.nix is the module of web-1 alone.
        hostModules = ./hosts;

        # The fleet's own programs; modules find them as pkgs.web and pkgs.db.
        packages = pkgs: {
          web = pkgs.writeTextFile {
            name = "web";
            destination = "/bin/web";
            executable = true;
            text = builtins.readFile ./packages/web.py;
          };
          db = pkgs.writeTextFile {
            name = "db";
            destination = "/bin/db";
            executable = true;
            text = builtins.readFile ./packages/db.py;
          };
        };
      };
  };
}
