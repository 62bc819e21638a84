# How messages name what somebody has declared: `nixfleet.users.web (modules/web.nix:12)`.
{ lib }:
{
  of =
    option: name: at:
    "nixfleet.${option}.${lib.strings.escapeNixIdentifier name}${lib.optionalString (at != "") " (${at})"}";
}
