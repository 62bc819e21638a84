{ hosts, ... }:
{
  nixfleet.files."/etc/primary".text = throw "the host 'web-2' is no database";
}
