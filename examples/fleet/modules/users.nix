# The people who look after the hosts. A key of yours goes into `keys`; this one is nobody's.
{
  nixfleet.groups.operators.members = [ "ada" ];

  nixfleet.users.ada = {
    description = "Ada, on call";
    home = "/home/ada";
    createHome = true;
    shell = "/bin/bash";
    keys = [ "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA ada@example.org" ];
  };
}
