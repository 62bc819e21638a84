{
  description = "Misspelt fields in the inventory";

  outputs = _: {
    nixfleet = { nixfleet, ... }: nixfleet.mkFleet { roles.web = { }; };
  };
}
