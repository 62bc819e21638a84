# The role "lb": a load balancer before the web servers.
{ lib, host, hosts, ... }:
let
  web = lib.filter (h: lib.elem "web" h.groups) (lib.attrValues hosts);
in
{
  nixfleet = {
    files."/etc/haproxy/backends.cfg" = {
      text = lib.concatMapStrings (h: "server ${h.name} ${h.addr}:80 check\n") web;
      reloadUnits = [ "haproxy.service" ];
    };
    files."/etc/haproxy/peer.json" = {
      text = builtins.toJSON { name = host.name; } + "\n";
      restartUnits = [ "haproxy.service" ];
    };
    systemd.services.haproxy = {
      description = "Load balancer";
      wantedBy = [ "multi-user.target" ];
      serviceConfig = {
        ExecStart = "/usr/sbin/haproxy -W -f /etc/haproxy/backends.cfg";
        ExecReload = "/bin/kill -USR2 $MAINPID";
      };
    };
    firewall = {
      enable = true;
      allowedTCPPorts = [ 80 443 ];
    };
  };
}
