{
  outputs = _: {
    nixfleet = { nixfleet, ... }: nixfleet.mkFleet { };
  };
}
