# The design names this role and says nothing about it.
{
  nixfleet.files."/etc/nginx/conf.d/site.conf" = {
    source = ../site.conf;
    reloadUnits = [ "nginx.service" ];
  };
}
