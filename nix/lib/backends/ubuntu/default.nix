# Hosts that keep their own operating system, Ubuntu or Debian, below what Nix brings.
{ lib }:
let
  lower = import ../lowering { inherit lib; };
  inherit (import ../../intent/value-types.nix { inherit lib; }) listOfWindows;
in
{
  names = [
    "ubuntu"
    "debian"
  ];

  alternatives = { };

  lower =
    intent:
    let
      lowered = lower intent;
      updates = intent.config.osUpdates.ubuntu;
    in
    lowered
    // {
      manifest = lowered.manifest // {
        osUpdates.ubuntu = {
          inherit (updates)
            mode
            autoReboot
            holds
            maxConcurrentReboots
            ;
          rebootWindows = listOfWindows updates.rebootWindow;
        };
      };
    };

  closure = import ./closure.nix { inherit lib; };
}
