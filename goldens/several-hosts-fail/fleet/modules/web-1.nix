{
  nixfleet.users.web.shell = 7;
}
