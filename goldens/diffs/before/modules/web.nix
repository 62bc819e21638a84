# The role "web": nginx of our own build, all two hundred alike.
{ pkgs, ... }:
let
  nginx = pkgs.writeTextFile {
    name = "nginx-1.24.0";
    destination = "/bin/nginx";
    text = "#!/bin/sh\n# nginx 1.24.0\n";
    executable = true;
  };
in
{
  nixfleet = {
    packages = [ nginx ];

    users.nginx = {
      system = true;
      home = "/var/lib/nginx";
    };
    directories."/var/lib/nginx" = {
      owner = "nginx";
      group = "nginx";
      mode = "0750";
    };

    files."/etc/nginx/nginx.conf" = {
      text = ''
        worker_processes auto;
        events { worker_connections 1024; }
        http {
          include /etc/nginx/mime.types;
          sendfile on;
          keepalive_timeout 65;
          server {
            listen 80;
            root /srv/www;
          }
        }
      '';
      reloadUnits = [ "nginx.service" ];
    };

    systemd.services.nginx = {
      description = "Web server";
      wantedBy = [ "multi-user.target" ];
      serviceConfig = {
        ExecStart = "${nginx}/bin/nginx -c /etc/nginx/nginx.conf";
        ExecReload = "/bin/kill -HUP $MAINPID";
        User = "nginx";
      };
    };

    firewall = {
      enable = true;
      allowedTCPPorts = [ 80 ];
    };

    healthChecks.web = {
      url = "http://127.0.0.1/healthz";
    };
  };
}
