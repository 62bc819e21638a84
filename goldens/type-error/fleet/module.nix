{
  nixfleet.files."/etc/web.conf" = {
    text = "port 80\n";
    restartUnits = "web.service";
  };
}
