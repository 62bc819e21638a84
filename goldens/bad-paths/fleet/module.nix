{ lib, ... }:
{
  nixfleet.files = lib.genAttrs [
    "/"
    "/etc/passwd"
    "/etc/../etc/hosts"
    "/etc/systemd/system/web.service"
    "/nix/store/x"
    "/proc/sys/kernel/hostname"
    "/run/web"
    "/usr/bin/web"
    "etc/hosts"
  ] (_: { text = "x\n"; });

  nixfleet.directories."/var/lib/dpkg/info" = { };
}
