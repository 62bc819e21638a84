# The role "web". Everything is text, so that its hashes are the same on every machine.
{ host, pkgs, ... }:
let
  page = pkgs.writeTextFile {
    name = "page";
    destination = "/share/index.html";
    text = "<h1>Welcome</h1>\n";
  };
in
{
  nixfleet.packages = [ page ];

  nixfleet.users.web = {
    system = true;
    uid = 991;
    home = "/var/lib/web";
  };
  nixfleet.directories."/var/lib/web" = {
    owner = "web";
    group = "web";
    mode = "0750";
  };

  nixfleet.files = {
    # A change of the settings needs a restart, a change of the list only a reload.
    "/etc/web/settings.json" = {
      text = builtins.toJSON { port = host.vars.port; };
      mode = "0640";
      group = "web";
      restartUnits = [ "web.service" ];
    };
    "/etc/web/allowed" = {
      text = "10.0.0.0/8\n";
      reloadUnits = [ "web.service" ];
    };
    "/etc/web/index.html".source = "${page}/share/index.html";
    "/srv/www".symlink = "${page}/share";
  };

  nixfleet.systemd.units."web.service" = {
    enabled = true;
    text = ''
      [Unit]
      After=network-online.target

      [Service]
      User=web
      ExecStart=/usr/bin/python3 -m http.server --directory ${page}/share ${toString host.vars.port}
      ExecReload=/bin/kill -HUP $MAINPID

      [Install]
      WantedBy=multi-user.target
      Alias=http.service
    '';
  };
}
