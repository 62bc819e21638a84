# NixOS hosts. Their intent is typed and frozen like that of any other host; this version does not carry it out.
{ lib }:
let
  lower = import ../lowering { inherit lib; };
in
{
  names = [ "nixos" ];

  alternatives."apt.holds" = "its packages are those of its flake.lock";

  lower =
    intent:
    let
      lowered = lower intent;
    in
    lowered
    // {
      manifest = lowered.manifest // {
        osUpdates = { inherit (intent.config.osUpdates) nixos; };
      };
    };

  closure = null;
}
