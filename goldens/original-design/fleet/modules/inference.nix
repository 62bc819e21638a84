# The design names this role and says nothing about it.
{
  nixfleet.directories."/var/lib/models".mode = "0755";
}
