{ hosts, ... }:
{
  nixfleet.files."/etc/primary".text = hosts.db-0.addr;
}
