# nixfleet.firewall: what may connect to the host, in an nftables table of our own.
{ lib }:
let
  inherit (lib) mkOption types;

  ports =
    example: description:
    mkOption {
      type = types.listOf types.port;
      default = [ ];
      inherit example description;
    };

  range = types.submodule {
    options = {
      from = mkOption {
        type = types.port;
        example = 8000;
        description = "The first port.";
      };
      to = mkOption {
        type = types.port;
        example = 8010;
        description = "The last port.";
      };
    };
  };
  ranges =
    description:
    mkOption {
      type = types.listOf range;
      default = [ ];
      example = [
        {
          from = 8000;
          to = 8010;
        }
      ];
      inherit description;
    };

  # What may be open to all, or to some.
  opening = {
    allowedTCPPorts = ports [ 80 443 ] "TCP ports that may be connected to.";
    allowedUDPPorts = ports [ 53 ] "UDP ports that may be sent to.";
    allowedTCPPortRanges = ranges "Ranges of TCP ports that may be connected to.";
    allowedUDPPortRanges = ranges "Ranges of UDP ports that may be sent to.";
  };

  address = types.strMatching "[0-9]{1,3}([.][0-9]{1,3}){3}(/[0-9]{1,2})?|[0-9a-fA-F:]*:[0-9a-fA-F:.]*(/[0-9]{1,3})?" // {
    description = "IPv4 or IPv6 address or network, such as \"10.0.0.0/8\"";
  };

  firewall.options = opening // {
    enable = mkOption {
      type = types.bool;
      default = false;
      example = true;
      description = ''
        Whether the host drops everything that is not allowed. Only packets to the host itself are filtered, in a table of
        NixFleet's own: rules of docker, libvirt or an administrator stay as they are and still apply. The host needs `nft`,
        from the package nftables.
      '';
    };

    allowSSH = mkOption {
      type = types.bool;
      default = true;
      example = false;
      description = ''
        Whether port 22 and the host's SSH port in the inventory are open to everyone, so that you do not lock yourself
        out. Set it to false if `trustedSources` or another rule lets you in.
      '';
    };

    allowPing = mkOption {
      type = types.bool;
      default = true;
      example = false;
      description = "Whether the host answers pings. ICMP messages that IPv6 and path MTU discovery need are always allowed.";
    };

    rejectPackets = mkOption {
      type = types.bool;
      default = false;
      example = true;
      description = "Whether refused connections get an answer; otherwise the other side waits for a timeout.";
    };

    trustedInterfaces = mkOption {
      type = types.listOf types.nonEmptyStr;
      default = [ ];
      example = [ "wg0" ];
      description = "Interfaces from which everything is allowed; `lo` always is.";
    };

    trustedSources = mkOption {
      type = types.listOf address;
      default = [ ];
      example = [ "10.20.0.0/16" ];
      description = "Addresses from which everything is allowed.";
    };

    interfaces = mkOption {
      type = types.attrsOf (types.submodule { options = opening; });
      default = { };
      example = {
        eth1.allowedTCPPorts = [ 9100 ];
      };
      description = "What else is open on an interface, by interface name.";
    };

    sources = mkOption {
      type = types.attrsOf (types.submodule { options = opening; });
      default = { };
      example = {
        "10.0.1.0/24".allowedTCPPorts = [ 5432 ];
      };
      description = "What else is open to an address or network.";
    };

    extraInputRules = mkOption {
      type = types.lines;
      default = "";
      example = "ip saddr 192.0.2.7 tcp dport 8443 accept";
      description = "nft(8) rules for packets to the host, after all other rules.";
    };

    extraRules = mkOption {
      type = types.lines;
      default = "";
      example = ''
        chain forward {
          type filter hook forward priority filter; policy accept;
          iifname "eth1" oifname "eth0" drop
        }
      '';
      description = "nft(8) chains, sets and maps to add to the table `inet nixfleet`, next to the chain `input`.";
    };
  };
in
{
  _file = "nixfleet: firewall.nix";

  # A submodule, so that definitions keep the positions of what is in them.
  options.nixfleet.firewall = mkOption {
    type = types.submodule firewall;
    default = { };
    example = lib.literalExpression ''{ enable = true; allowedTCPPorts = [ 80 443 ]; sources."10.0.1.0/24".allowedTCPPorts = [ 9100 ]; }'';
    description = "What may connect to the host.";
  };
}
