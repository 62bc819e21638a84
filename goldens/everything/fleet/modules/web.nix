# A web server: a structured service behind a firewall, with what surrounds a change of it.
{ ... }:
{
  nixfleet = {
    systemd.services.web = {
      description = "Web server";
      wantedBy = [ "multi-user.target" ];
      serviceConfig = { ExecStart = "/usr/sbin/nginx -g 'daemon off;'"; User = "app"; };
      reloadIfChanged = true;
    };
    systemd.units."ssh.service".dropIns.limits = "[Service]\nLimitNOFILE=65536\n";
    files."/etc/web/site.conf" = {
      source = ../site.conf;
      reloadUnits = [ "web.service" ];
    };
    firewall = {
      enable = true;
      allowedTCPPorts = [ 80 443 ];
      sources."10.0.0.0/8".allowedTCPPorts = [ 9100 ];
    };
    healthChecks.web = {
      url = "http://10.0.1.11/healthz";
      status = 204;
      body = "^$";
      from = "controller";
      startDelay = "2s";
    };
    healthChecks.unit.unit = "web.service";
    hooks.drain = {
      when = "before-activation";
      on = "controller";
      command = "lb drain web-1";
      timeout = "1m";
    };
    hooks.restore = {
      when = "after-activation";
      on = "controller";
      command = "lb restore web-1";
      required = false;
      always = true;
    };
  };
}
