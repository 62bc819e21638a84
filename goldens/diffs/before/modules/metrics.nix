# The role "metrics": what Prometheus asks.
{ ... }:
{
  nixfleet = {
    users.metrics.system = true;
    files."/etc/metrics/collectors".text = "cpu\ndisk\nmemory\n";
    systemd.services.metrics = {
      description = "Metrics of the host";
      wantedBy = [ "multi-user.target" ];
      serviceConfig = {
        ExecStart = "/usr/local/bin/node-exporter --collectors /etc/metrics/collectors";
        User = "metrics";
      };
      restartTriggers = [ ];
    };
    healthChecks.metrics.port = 9100;
  };
}
