{
  description = "Two web hosts that are alike and a database: groups, roles, accounts, the restart map";

  outputs = _: {
    nixfleet =
      { nixfleet, ... }:
      nixfleet.mkFleet {
        modules = [ ./modules/base.nix ];
        roles = {
          web = ./modules/web.nix;
          db = ./modules/db.nix;
        };
      };
  };
}
