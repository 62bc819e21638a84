{
  outputs = _: {
    nixfleet = { nixfleet, ... }: nixfleet.mkFleet {
      hostModules = ./modules;
      hosts = {
        cache-1 = { base = "ubuntu"; addr = "10.0.1.10"; };
        db-1 = { base = "ubuntu"; addr = "10.0.1.11"; };
        db-2 = { base = "ubuntu"; addr = "10.0.1.12"; };
        proxy-1 = { base = "ubuntu"; addr = "10.0.1.13"; };
        web-1 = { base = "ubuntu"; addr = "10.0.1.14"; };
        web-2 = { base = "ubuntu"; addr = "10.0.1.15"; };
      };
    };
  };
}
