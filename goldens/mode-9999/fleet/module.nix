{
  nixfleet.files."/etc/web.conf" = {
    text = "port 80\n";
    mode = "9999";
  };
}
