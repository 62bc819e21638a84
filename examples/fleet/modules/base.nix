# What every host has: a line of its own in the login message, and what makes it harder to break into.
{ host, ... }:
{
  nixfleet = {
    files = {
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

    # Roles open the ports that they serve; SSH is open as long as nobody says otherwise.
    firewall.enable = true;

    # What comes from elsewhere cannot make this host send its packets somewhere else.
    sysctl = {
      "net.ipv4.conf.all.accept_redirects" = false;
      "net.ipv4.conf.all.send_redirects" = false;
      "net.ipv4.tcp_syncookies" = true;
      "net.ipv6.conf.all.accept_redirects" = false;
    };

    systemd = {
      # A key on the console does not reboot a host, and programs that die leave no memory behind.
      masks = [ "ctrl-alt-del.target" ];
      units."ssh.service".dropIns.hardening = ''
        [Service]
        LimitCORE=0
      '';
      # People share what the host's services leave.
      slices.user = {
        overrideStrategy = "asDropin";
        sliceConfig.TasksMax = "33%";
      };
    };

    environment.variables.EDITOR = "vi";
    profile.d.umask = "umask 027\n";
  };
}
