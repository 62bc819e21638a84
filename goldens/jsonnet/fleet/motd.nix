{ host, ... }:
{
  # The same in a rack, so hosts of one rack share a manifest.
  nixfleet.files."/etc/motd".text = "Rack ${host.vars.rack}\n";
}
