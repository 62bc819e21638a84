# What web-1 has and no other host.
{
  nixfleet.files."/etc/motd.d/10-canary" = {
    text = "This host gets every change first.\n";
  };
}
