{
  nixfleet.files."etc/web.conf".text = "";
}
