# The program as a service.
{ pkgs, ... }:
{
  nixfleet.packages = [ pkgs.myapp ];

  nixfleet.users.myapp.system = true;

  nixfleet.systemd.units."myapp.service".text = ''
    [Unit]
    Description=A program that CI built
    After=network.target

    [Service]
    ExecStart=${pkgs.myapp}/bin/myapp -listen :8090
    User=myapp
    Restart=always

    [Install]
    WantedBy=multi-user.target
  '';
}
