{
  description = "A tab where YAML wants spaces";

  outputs = _: {
    nixfleet = { nixfleet, ... }: nixfleet.mkFleet { roles.web = { }; };
  };
}
