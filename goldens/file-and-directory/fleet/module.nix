{
  nixfleet.files = {
    "/etc/web".text = "a file\n";
    "/etc/web/settings".text = "a file inside a file\n";
    "/srv/www".symlink = "/var/www";
  };
  nixfleet.directories = {
    "/etc/web".mode = "0755";
    "/srv/www/pages".mode = "0755";
  };
}
