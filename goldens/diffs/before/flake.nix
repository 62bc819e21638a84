{
  description = "A shop: two hundred web servers, two databases, two load balancers";

  outputs = _: {
    nixfleet =
      { nixfleet, ... }:
      nixfleet.mkFleet {
        modules = [ ./modules/base.nix ];
        roles = {
          web = ./modules/web.nix;
          db = ./modules/db.nix;
          lb = ./modules/lb.nix;
          metrics = ./modules/metrics.nix;
        };
      };
  };
}
