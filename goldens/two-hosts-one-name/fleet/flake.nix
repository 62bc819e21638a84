{
  description = "One name for two hosts";

  outputs = _: {
    nixfleet = { nixfleet, ... }: nixfleet.mkFleet { roles.web = { }; };
  };
}
