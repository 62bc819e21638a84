# The role `web`: a small web service, as a pattern for your own.
{ config, lib, ... }:
let
  cfg = config.web;
in
{
  # What other modules may set, for one host or for all.
  options.web.port = lib.mkOption {
    type = lib.types.port;
    default = 8080;
    description = "The port that the service listens on.";
  };

  config.nixfleet = {
    # A user of the system's, without a login.
    users.web.system = true;

    files."/srv/web/index.html" = {
      text = "<p>Hello from the fleet.</p>\n";
      # When the file changes, this restarts. (This service would not need it; most do.)
      restartUnits = [ "web.service" ];
    };

    # A systemd service, with the names that NixOS has for it.
    systemd.services.web = {
      description = "The web service";
      wantedBy = [ "multi-user.target" ];
      after = [ "network.target" ];
      serviceConfig = {
        ExecStart = "/usr/bin/python3 -m http.server --directory /srv/web ${toString cfg.port}";
        User = "web";
        Restart = "always";
        ProtectSystem = "strict";
      };
    };

    # A host that gives a wrong answer after a change goes back to what it was.
    healthChecks.web.url = "http://localhost:${toString cfg.port}/";
  };
}
