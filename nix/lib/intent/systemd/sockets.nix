# nixfleet.systemd.sockets: what starts services when somebody connects.
{ lib }:
let
  inherit (lib) mkOption types;
  valueTypes = import ./value-types.nix { inherit lib; };

  socket.options = import ./common.nix { inherit lib; } // {
    listenStreams = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [
        "0.0.0.0:993"
        "/run/my-socket"
      ];
      description = "Where to listen for connections: ports, addresses with ports, or paths.";
    };

    listenDatagrams = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "0.0.0.0:993" ];
      description = "Where to listen for datagrams.";
    };

    socketConfig = mkOption {
      type = valueTypes.section;
      default = { };
      example = {
        Accept = true;
      };
      description = "The section `[Socket]`, as in systemd.socket(5).";
    };
  };
in
{
  _file = "nixfleet: systemd/sockets.nix";

  options.nixfleet.systemd.sockets = mkOption {
    type = types.attrsOf (types.submodule socket);
    default = { };
    example = lib.literalExpression ''{ myapp = { wantedBy = [ "sockets.target" ]; listenStreams = [ "8080" ]; }; }'';
    description = "Sockets, by name without the suffix `.socket`.";
  };
}
