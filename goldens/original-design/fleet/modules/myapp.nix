{ pkgs, ... }:
{
  nixfleet.packages = [ pkgs.nginx pkgs.git ];

  nixfleet.files."/etc/myapp/config.json" = {
    text = builtins.toJSON { port = 8080; };
    mode = "0640";
    owner = "root";
    group = "myapp";
    restartUnits = [ "myapp.service" ];
  };

  nixfleet.systemd.units."myapp.service" = {
    text = ''
      [Unit]
      After=network-online.target

      [Service]
      ExecStart=${pkgs.myapp}/bin/myapp --config /etc/myapp/config.json
      Restart=always

      [Install]
      WantedBy=multi-user.target
    '';
    enabled = true;
  };

  nixfleet.users.myapp = { system = true; uid = 991; group = "myapp"; home = "/var/lib/myapp"; };
}
