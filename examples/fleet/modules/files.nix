# A table of the fleet on each host, made from the inventory.
{ lib, hosts, ... }:
{
  nixfleet.files."/etc/fleet/hosts" = {
    text = lib.concatLines (lib.mapAttrsToList (name: host: "${host.addr} ${name}") hosts);
  };
}
