{
  description = "The inventory and the intent snippet of the original design, as they are written there";

  outputs = _: {
    nixfleet =
      { nixfleet, ... }:
      nixfleet.mkFleet {
        name = "original-design";

        hosts = {
          web-1 = {
            base = "ubuntu";
            addr = "10.0.1.11";
            roles = [ "nginx" "myapp" ];
            osUpdates.ubuntu = {
              mode = "security-daily";      # "full-weekly" | "manual"
              autoReboot = true;
              rebootWindow = "Sun 02:00-04:00";
              holds = [ "nvidia-driver-*" ]; # optional
              maxConcurrentReboots = 1;
            };
          };

          gpu-1 = {
            base = "nixos";
            addr = "10.0.9.50";
            roles = [ "cuda-box" "inference" ];
            osUpdates.nixos = { autoSwitch = true; };
          };
        };

        roles = ./modules;

        # Stand-ins made of text, so that the hashes are the same everywhere.
        packages =
          pkgs:
          let
            says = name: pkgs.writeShellScriptBin name "echo ${name}\n";
          in
          {
            nginx = says "nginx";
            git = says "git";
            myapp = says "myapp";
          };
      };
  };
}
