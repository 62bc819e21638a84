{
  description = "Hosts that nobody can reach";

  outputs = _: {
    nixfleet = { nixfleet, ... }: nixfleet.mkFleet { roles.web = { }; };
  };
}
