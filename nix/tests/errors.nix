/*
  The texts of the errors of fleets: each case is `{ expr; has; }`, and evaluating `expr` must fail with a message that
  has all of these. Each is an evaluation of its own.
*/
{
  lib ? import ../lib/prelude,
}:
let
  fleet = import ./fleet.nix { };
  inherit (fleet)
    host
    result
    ;

  at = file: module: module // { _file = file; };
  addr = {
    base = "ubuntu";
    addr = "10.0.0.1";
  };
  one = fields: result { hosts.h = addr // fields; };
in
{
  # What is wrong with an inventory is no error but data, see cases/inventory.nix.
  missingAddr = {
    # Its own fault is told of web-1; this is for whoever reads it.
    expr = result { hosts = { web-1 = { base = "ubuntu"; }; h = addr; }; modules = [ ({ hosts, ... }: { nixfleet.files."/x".text = hosts.web-1.addr; }) ]; };
    has = [ "host \"web-1\" (" ") has no address" ];
  };
  missingBase = {
    expr = result { hosts = { web-1.addr = "x"; h = addr; }; modules = [ ({ hosts, ... }: { nixfleet.files."/x".text = hosts.web-1.base; }) ]; };
    has = [ "host \"web-1\" (" ") has no base (ubuntu, debian or nixos)" ];
  };
  unknownArgument = {
    expr = result { hosts.h = addr; moduls = [ ]; };
    has = [ "mkFleet has no argument `moduls'. Did you mean `modules'? The arguments are: defaults, groups, hostModules, hosts, inventory, modules, name, nixpkgs, packages, roles, rollout, rollouts, specialArgs, timeZone" ];
  };
  argumentsNotASet = {
    expr = fleet.compile { output = { nixfleet, ... }: nixfleet.mkFleet [ ]; request.version = 1; };
    has = [ "mkFleet takes a set of arguments, not a list" ];
  };
  moduleInQuotes = {
    expr = result { hosts.h = addr; modules = [ "modules/web.nix" ]; };
    has = [ "mkFleet: modules has the text \"modules/web.nix\", which is no module; write a path, without quotes: ./modules/web.nix" ];
  };
  numberForModule = {
    expr = one { modules = [ 5 ]; };
    has = [ "mkFleet: the modules of host \"h\" (" ") has 5, which is no module; a module is a path, a set or a function" ];
  };
  rolesNotASet = {
    expr = result { roles = [ ]; hosts.h = addr // { roles = [ "x" ]; }; };
    has = [ "mkFleet: roles must be a directory or a set of modules, not a list" ];
  };
  badMode = {
    expr = host [ (at "modules/web.nix" { nixfleet.files."/etc/x" = { text = ""; mode = "9999"; }; }) ];
    has = [ "A definition for option `hosts.h.nixfleet.files.\"/etc/x\".mode' is not of type `file mode of three or four octal digits, such as \"0644\"'" "- In `modules/web.nix': \"9999\"" ];
  };
  # Modules written in place name their file as well.
  functionInPlace = {
    expr = host [ ({ lib, ... }: { nixfleet.files."/etc/x" = { text = ""; mode = "rw"; }; }) ];
    has = [ "errors.nix': \"rw\"" ];
  };
  badUnitName = {
    expr = host [ { nixfleet.files."/etc/x" = { text = ""; restartUnits = [ "web" ]; }; } ];
    has = [ "`hosts.h.nixfleet.files.\"/etc/x\".restartUnits" "systemd unit name" ];
  };
  badUser = {
    expr = host [ { nixfleet.files."/etc/x" = { text = ""; owner = "Web User"; }; } ];
    has = [ "`hosts.h.nixfleet.files.\"/etc/x\".owner'" "user or group name" ];
  };
  misspeltIntent = {
    expr = host [ (at "modules/web.nix" { nixfleet.file."/etc/x".text = ""; }) ];
    has = [ "The option `hosts.h.nixfleet.file' does not exist." "modules/web.nix" "`hosts.h.nixfleet.files'" ];
  };
  misspeltFileOption = {
    expr = host [ (at "modules/web.nix" { nixfleet.files."/etc/x".txt = ""; }) ];
    has = [ "The option `hosts.h.nixfleet.files.\"/etc/x\".txt' does not exist." "`hosts.h.nixfleet.files.\"/etc/x\".text'" ];
  };
  contentTwice = {
    expr = host [ { nixfleet.files."/etc/x" = { text = ""; symlink = "/y"; }; } ];
    has = [ "host \"h\": failed assertions:" "- nixfleet.files.\"/etc/x\" (" "errors.nix:" "): expected exactly one of text, source and symlink, found text and symlink" ];
  };
  contentMissing = {
    expr = host [ { nixfleet.files."/etc/x".mode = "0600"; } ];
    has = [ "): expected exactly one of text, source and symlink, found none" ];
  };
  sourceOutside = {
    expr = host [ { nixfleet.files."/etc/x".source = "/etc/passwd"; } ];
    has = [ "the source /etc/passwd is not in the Nix store; write it as a path of the fleet, such as ./file" ];
  };
  failedAssertion = {
    expr = host [ { assertions = [ { assertion = false; message = "a web host needs a db"; } ]; } ];
    has = [ "host \"h\": failed assertions:" "- a web host needs a db" ];
  };
  moduleThrows = {
    # As the compiler asks once an evaluation has failed.
    expr = fleet.result' { part.explain = true; } { hosts.h = addr // { modules = [ { nixfleet.files."/etc/x".text = throw "no port for this host"; } ]; }; };
    has = [ "no port for this host" "while evaluating the option `hosts.h.nixfleet.files.\"/etc/x\"'" ];
  };
  unknownPackageArgument = {
    expr = host [ ({ pkg, ... }: { nixfleet.packages = [ pkg.x ]; }) ];
    has = [ "attribute `pkg' missing" "Did you mean `pkgs'?" ];
  };
  notAFleet = {
    expr = fleet.compile { output = { }; request.version = 1; };
    has = [ "the flake output `nixfleet' must be what nixfleet.mkFleet gives" ];
  };
  otherRequest = {
    expr = fleet.compile { output = { }; request.version = 2; };
    has = [ "internal error: this library answers requests of version 1, not 2" ];
  };
  fromFileNotExecutable = {
    expr = host [ ({ pkgs, ... }: { nixfleet.packages = [ (pkgs.fromFile { name = "app"; path = { outPath = ./errors.nix; executable = false; }; }) ]; }) ];
    has = [ "fromFile app: " "is not executable; make it so with chmod +x" ];
  };
  destinationOutside = {
    expr = host [ ({ pkgs, ... }: { nixfleet.packages = [ (pkgs.writeTextFile { name = "x"; text = ""; destination = "/../x"; }) ]; }) ];
    has = [ "the destination \"/../x\" is not a path inside a package" ];
  };
}
// import ./intent-errors.nix { inherit lib host; }
