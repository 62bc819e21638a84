# nixfleet.secrets: texts that are decrypted for the host.
{ lib }:
let
  inherit (lib) mkOption types;
  access = import ./access.nix { inherit lib; };

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
          The encrypted text: a file of the fleet that `age --armor` has made for the hosts that may read it. Only its
          ciphertext is in the plan and in the store.
        '';
      };

      path = mkOption {
        type = types.nullOr (
          types.strMatching "/run/nixfleet-secrets/[^/].*" // { description = "path below /run/nixfleet-secrets"; }
        );
        default = null;
        example = "/run/nixfleet-secrets/myapp/password";
        description = "Where the host finds it, below `/run/nixfleet-secrets`; by default under its name.";
      };
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
    description = "Texts that are decrypted on the way to the host and stand in its memory only, by name.";
  };
}
