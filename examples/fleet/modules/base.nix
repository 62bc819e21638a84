# What every host has: a line of its own in the login message, and logins by key only.
{ host, ... }:
{
  nixfleet.files = {
    "/etc/motd.d/00-fleet".text = ''
      ${host.name} is managed by NixFleet. Roles: ${toString host.roles}
    '';

    "/etc/ssh/sshd_config.d/50-fleet.conf" = {
      text = ''
        PasswordAuthentication no
        X11Forwarding no
      '';
      reloadUnits = [ "ssh.service" ];
    };
  };
}
