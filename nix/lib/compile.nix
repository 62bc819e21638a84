/*
  What `nixfleet compile` evaluates: a fleet's flake output and a request to the plain data that a plan is made of.

  The output is a function `{ nixfleet, inputs, ... }: nixfleet.mkFleet { … }`, or the result of mkFleet.
*/
{ output, request }:
let
  nixfleet = import ./. { };
  inputs = import ./fleet/inputs.nix (request.inputs or { });
  fleet =
    if builtins.isFunction output then
      output {
        inherit inputs nixfleet;
        inherit (nixfleet) lib;
      }
    else
      output;
in
if request.version != 1 then
  throw "internal error: this library answers requests of version 1, not ${toString request.version}"
else if fleet._type or null != "nixfleet-fleet" then
  throw "the flake output `nixfleet' must be what nixfleet.mkFleet gives, or a function `{ nixfleet, inputs, ... }: nixfleet.mkFleet { … }', not a ${builtins.typeOf fleet}"
else
  fleet.evaluate request
