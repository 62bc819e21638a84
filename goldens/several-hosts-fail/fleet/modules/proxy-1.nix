{ config, ... }:
{
  nixfleet.files."/etc/a".text = config.nixfleet.files."/etc/b".text;
  nixfleet.files."/etc/b".text = config.nixfleet.files."/etc/a".text;
}
