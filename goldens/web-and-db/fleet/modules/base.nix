# What every host gets: who may log in, and what they read then.
{ lib, hosts, ... }:
{
  nixfleet.users.ada = {
    description = "Ada, on call";
    extraGroups = [ "operators" ];
  };
  nixfleet.groups.operators.gid = 2000;

  nixfleet.files."/etc/shop/hosts".text = lib.concatMapStrings (h: "${h.addr} ${h.name}\n") (
    lib.attrValues hosts
  );
}
