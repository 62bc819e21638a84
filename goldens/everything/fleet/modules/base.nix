# What every host has.
{ pkgs, ... }:
{
  nixfleet = {
    packages = [ (pkgs.writeShellScriptBin "hello" "echo hello") ];
    environment.variables.EDITOR = "vim";
    profile.d.prompt = "umask 027\n";
    sysctl."net.ipv4.ip_forward" = 1;
    systemd.tmpfiles.rules = [ "d /var/cache/app 0750 app app 7d" ];
    users.app = {
      system = true;
      group = "app";
      home = "/var/lib/app";
    };
    files."/etc/sudoers.d/app" = {
      text = "app ALL=(root) NOPASSWD: /usr/bin/systemctl reload nginx\n";
      mode = "0440";
      validate = "visudo -cf %s";
    };
    systemd.masks = [ "apt-daily.timer" ];
    reboot = {
      auto = true;
      windows = [ "Sun 02:00-04:00" "Mon-Fri 03:00-03:30" ];
      deadline = "15m";
    };
    tasks.cache-clear = {
      description = "Empties the cache";
      command = "rm -rf /var/cache/app/*";
      user = "app";
      environment.MODE = "gentle";
    };
  };
}
