# What is so on web-1 alone. A host without such a file is what its roles say.
{
  nixfleet.files."/etc/motd.d/20-canary".text = "This host gets every change first.\n";
}
