# What an inventory says: of the fleet, and of a host. Groups and `defaults` have the fields of a host.
{ lib }:
let
  inherit (lib) mkOption types;
  named = description: type: type // { inherit description; };
  name = named "name of letters, digits, dots, hyphens and underscores" (
    types.strMatching "[A-Za-z0-9][A-Za-z0-9._-]*"
  );
  listOfNames = types.listOf name;
in
{
  host = {
    _file = "nixfleet: host fields";

    options = {
      base = mkOption {
        type = types.nullOr (types.enum (import ../backends { inherit lib; }).names);
        default = null;
        example = "ubuntu";
        description = "The operating system that the host has.";
      };

      system = mkOption {
        type = types.enum [
          "x86_64-linux"
          "aarch64-linux"
        ];
        default = "x86_64-linux";
        description = "The host's architecture, as Nix names it.";
      };

      addr = mkOption {
        type = types.nullOr types.nonEmptyStr;
        default = null;
        example = "10.0.1.11";
        description = "Where the host is reached: an address, a name, or a host of ~/.ssh/config.";
      };

      port = mkOption {
        type = types.ints.between 1 65535;
        default = 22;
        description = "The port of the host's SSH server.";
      };

      user = mkOption {
        type = types.nonEmptyStr;
        default = "deploy";
        description = "The user to log in as.";
      };

      hostKeys = mkOption {
        type = types.listOf types.nonEmptyStr;
        default = [ ];
        apply = lib.unique;
        example = [ "ssh-ed25519 AAAA…" ];
        description = "The host keys to accept; with none, known_hosts decides.";
      };

      proxyJump = mkOption {
        type = types.nullOr types.nonEmptyStr;
        default = null;
        example = "deploy@bastion.example.org:22";
        description = "A host to connect through.";
      };

      roles = mkOption {
        type = listOfNames;
        default = [ ];
        apply = lib.unique;
        example = [ "nginx" ];
        description = "Roles of the host: names of intent modules of the fleet.";
      };

      groups = mkOption {
        type = listOfNames;
        default = [ ];
        apply = lib.unique;
        example = [ "web" ];
        description = "Groups of the host, besides `all`.";
      };

      tags = mkOption {
        type = types.attrsOf types.str;
        default = { };
        example = { site = "fra1"; };
        description = "Labels for people and guardrails; modules see them too.";
      };

      vars = mkOption {
        type = types.attrsOf types.anything;
        default = { };
        example = { port = 8080; };
        description = "Values for modules, of any shape.";
      };

      modules = mkOption {
        type = types.listOf types.raw;
        default = [ ];
        description = "Intent modules of this host alone. In Nix only.";
      };
    };
  };

  fleet = {
    _file = "nixfleet: fleet fields";

    options = {
      name = mkOption {
        type = name;
        default = "fleet";
        description = "The name of the fleet.";
      };

      timeZone = mkOption {
        type = types.strMatching "[A-Za-z0-9_+/-]+";
        default = "UTC";
        example = "Europe/Berlin";
        description = "The IANA time zone of all windows.";
      };

      # What is in these is checked where it is used: see policies.nix, and host by host.
      rollout = mkOption {
        type = types.raw;
        default = { };
        description = "How changes reach the hosts.";
      };
      rollouts = mkOption {
        type = types.raw;
        default = { };
        description = "Policies that can stand in for `rollout`, by name.";
      };
      defaults = mkOption {
        type = types.raw;
        default = { };
        description = "Fields of every host.";
      };
      groups = mkOption {
        type = types.raw;
        default = { };
        description = "Fields of every host of a group, by group.";
      };
      hosts = mkOption {
        type = types.raw;
        default = { };
        description = "Fields of hosts, by name.";
      };
    };
  };
}
