{ host, ... }:
{
  nixfleet.files."/etc/rack".text = host.tags.rack or (throw "every host needs a tag `rack', and ${host.name} has none");
}
