{
  nixfleet.files."/etc/web.conf" = {
    text = "port 80\n";
    restartUnit = [ "web.service" ];
  };
}
