# What every host has: who may log in, and what may be done as root.
{ ... }:
{
  nixfleet = {
    groups.operators.gid = 2000;
    users.ada = {
      uid = 2001;
      description = "Ada, on call";
      extraGroups = [ "operators" ];
    };
    users.bob = {
      uid = 2002;
      description = "Bob";
    };
    files."/etc/sudoers.d/operators" = {
      text = "%operators ALL=(root) NOPASSWD: /usr/bin/systemctl\n";
      mode = "0440";
      validate = "visudo -cf %s";
    };
    sysctl."net.core.somaxconn" = 1024;
    activation.confirmWindow = "60s";
  };
}
