{
  description = "A misspelt role in the inventory";

  outputs = _: {
    nixfleet = { nixfleet, ... }: nixfleet.mkFleet { roles.web = { }; };
  };
}
