# nixfleet.secrets: texts that are decrypted for the host.
{ lib }:
let
  inherit (lib) mkOption types;
  access = import ./access.nix { inherit lib; };
  entries = import ./entries.nix { inherit lib; };
  payload = import ../fleet/payload.nix;

  secret.options =
    access.ownership "file" {
      mode = "0400";
      example = "0440";
    }
    // access.effects "secret"
    // {
      file = mkOption {
        type = types.path;
        example = lib.literalExpression "./secrets/db-password.age";
        description = ''
          The encrypted secret: a file of the fleet, written by `age --armor` for the hosts that may read it. Only its
          ciphertext is in the plan and in the store.
        '';
      };

      path = mkOption {
        type = types.nullOr (
          types.strMatching "/run/nixfleet-secrets/[^/].*" // { description = "path below /run/nixfleet-secrets"; }
        );
        default = null;
        example = "/run/nixfleet-secrets/myapp/password";
        description = "The path on the host, below `/run/nixfleet-secrets`; by default the secret's name.";
      };
    };

  armorBegin = "-----BEGIN AGE ENCRYPTED FILE-----";
  armorEnd = "-----END AGE ENCRYPTED FILE-----";

  # Reading fails by itself where a file has bytes that no string of Nix can hold.
  ciphertext =
    here: file:
    let
      text = builtins.addErrorContext "while reading ${here}, which must be what `age --armor` makes:" (
        builtins.readFile file
      );
    in
    if lib.hasPrefix "age-encryption.org/" text then
      throw "${here}: ${toString file} is a binary age file; encrypt it with `age --armor`"
    else if !(lib.hasPrefix armorBegin text && lib.hasSuffix armorEnd (lib.trim text)) then
      throw "${here}: ${toString file} is not an age file; encrypt it with `age --armor` first"
    else
      text;

  # The payload of a secret.
  payloadOf =
    args: name: secret:
    payload (ciphertext (entries.place args "secrets" name) secret.file);

  frozen =
    args: name: secret:
    let
      restart = access.sorted secret.restartUnits;
    in
    {
      ciphertext = (payloadOf args name secret).name;
      inherit (secret)
        path
        mode
        owner
        group
        ;
      inherit restart;
      reload = lib.subtractLists restart (access.sorted secret.reloadUnits);
    };
in
{
  _file = "nixfleet: secrets.nix";

  options.nixfleet.secrets = mkOption {
    type = types.attrsOf (types.submodule secret);
    default = { };
    # The default is the name, which a set of plain options cannot know.
    apply = builtins.mapAttrs (
      name: secret: secret // { path = if secret.path == null then "/run/nixfleet-secrets/${name}" else secret.path; }
    );
    example = lib.literalExpression ''{ db-password = { file = ./secrets/db-password.age; owner = "myapp"; restartUnits = [ "myapp.service" ]; }; }'';
    description = "Secrets that are decrypted on the way to the host and kept only in its memory, by name.";
  };

  freeze =
    args@{ config, ... }:
    entries.frozen args "secrets" (frozen args)
    // {
      payloads = lib.mapAttrsToList (payloadOf args) config.secrets;
    };
}
