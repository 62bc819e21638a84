# web-2 greets its visitors in its own way.
{ lib, ... }:
{
  web.greeting = lib.mkForce "Hello from the second web host";
}
