# The design names this role and says nothing about it.
{
  nixfleet.users.cuda = {
    system = true;
  };
}
