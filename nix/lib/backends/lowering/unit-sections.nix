# The sections that units of every kind have: [Unit] and [Install].
{ lib }:
let
  inherit (lib) optionalAttrs toList;

  dependencies = {
    after = "After";
    before = "Before";
    bindsTo = "BindsTo";
    conflicts = "Conflicts";
    documentation = "Documentation";
    onFailure = "OnFailure";
    onSuccess = "OnSuccess";
    partOf = "PartOf";
    requires = "Requires";
    requisite = "Requisite";
    upholds = "Upholds";
    wants = "Wants";
  };
  single = {
    description = "Description";
    startLimitBurst = "StartLimitBurst";
    startLimitIntervalSec = "StartLimitIntervalSec";
  };
  installation = {
    aliases = "Alias";
    requiredBy = "RequiredBy";
    upheldBy = "UpheldBy";
    wantedBy = "WantedBy";
  };

  # Options that are not at their default, by the names of their settings.
  given =
    unit: names:
    lib.mapAttrs' (option: name: {
      inherit name;
      value = unit.${option};
    }) (lib.filterAttrs (option: _: !lib.elem unit.${option} [ [ ] null "" ]) names);

  joined = lib.mapAttrs (_: lib.concatStringsSep " ");
in
rec {
  /** The digest of triggers: what they are does not matter, only that they change. */
  digest =
    triggers: builtins.hashString "sha256" (builtins.unsafeDiscardStringContext (builtins.toJSON triggers));

  /** Settings from options beside settings given by hand: one of each name, but for lists that add up. */
  beside =
    here: section: addsUp: ours: theirs:
    let
      both = lib.filter (name: !lib.elem name addsUp) (lib.attrNames (builtins.intersectAttrs ours theirs));
    in
    if both != [ ] then
      throw "${here}: ${section}.${lib.head both} says what another option says too; give one of them"
    else
      theirs // lib.mapAttrs (name: v: if theirs ? ${name} then toList v ++ toList theirs.${name} else v) ours;

  unit =
    here: u:
    beside here "unitConfig" (lib.attrValues dependencies) (
      joined (given u dependencies)
      // given u single
      // optionalAttrs (u.restartTriggers != [ ]) { X-Restart-Triggers = digest u.restartTriggers; }
    ) u.unitConfig;

  install = u: joined (given u installation);
}
