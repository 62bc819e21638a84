# The people who look after the hosts. A key of yours goes into `keys`; this one is nobody's.
{
  nixfleet.groups.operators.members = [ "ada" ];

  # Nothing on the host changes unless sudo can read this.
  nixfleet.files."/etc/sudoers.d/operators" = {
    text = "%operators ALL=(root) NOPASSWD: /usr/bin/systemctl restart web.service, /usr/bin/systemctl restart db.service\n";
    mode = "0440";
    validate = "/usr/sbin/visudo -cf %s";
  };

  nixfleet.users.ada = {
    description = "Ada, on call";
    home = "/home/ada";
    createHome = true;
    shell = "/bin/bash";
    keys = [ "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA ada@example.org" ];
  };
}
