# What every host has. A module is a function from what it wants to know to options; `nixfleet.…` is what a
# host can be told to be.
{ host, ... }:
{
  # A file: what it holds. It is made when it comes, replaced when it changes and removed when it is
  # no longer said here. A file that somebody else put there is refused, unless `adopt = true;`.
  nixfleet.files."/etc/motd.d/10-fleet".text = ''
    ${host.name} is managed with NixFleet. Roles: ${toString host.roles}
  '';
}
