# The people who look after the hosts.
{
  nixfleet.groups.operators = { };

  nixfleet.users.ada = {
    description = "Ada, on call";
    extraGroups = [ "operators" ];
    home = "/home/ada";
    createHome = true;
    shell = "/bin/bash";
  };
}
