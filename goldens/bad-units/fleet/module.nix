let
  service = install: {
    enabled = true;
    text = "[Service]\nExecStart=/bin/sleep infinity\n${install}";
  };
in
{
  nixfleet.systemd.units = {
    "also.service" = service "[Install]\nAlso=other.service\n";
    "empty.service" = {
      enabled = false;
      text = "";
    };
    "lost.service" = service "";
    "noise.service" = service "[Install\n";
    "template@.service" = service "[Install]\nWantedBy=multi-user.target\n";
  };
}
