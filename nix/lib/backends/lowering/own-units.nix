# Units of NixFleet's own, which carry out what is not a unit by itself.
{ lib }:
let
  unitText = import ./unit-text.nix { inherit lib; };
  section = name: settings: { inherit name settings; };
in
{
  /** A service that does something once, now and at each boot. */
  oneshot =
    {
      name,
      at,
      unit,
      service,
      wantedBy ? "multi-user.target",
      onChange ? null,
    }:
    {
      ${name} = {
        text = unitText.render name [
          (section "Unit" unit)
          (section "Service" (
            {
              Type = "oneshot";
              RemainAfterExit = true;
            }
            // service
          ))
          (section "Install" { WantedBy = wantedBy; })
        ];
        enabled = null;
        adopt = false;
        inherit at onChange;
      };
    };

  /**
    The services of a host that start in the ordinary course of booting; what they rely on says that it is before them.
    Templates cannot be named so.
  */
  ordinary =
    units:
    lib.attrNames (
      lib.filterAttrs (
        name: unit:
        lib.hasSuffix ".service" name && !lib.hasInfix "@." name && !lib.hasInfix "DefaultDependencies" unit.text
      ) units
    );
}
