{
  description = "Forty alike hosts in growing waves that soak, with budgets, and what a failure takes back";

  outputs = _: {
    nixfleet =
      { nixfleet, ... }:
      nixfleet.mkFleet {
        modules = [ { nixfleet.files."/etc/motd".text = "Managed by NixFleet.\n"; } ];
      };
  };
}
