# The backend of NixOS hosts. Their intent is typed and frozen like that of any other host; there is no closure.
{ ... }:
{
  /** What the backend makes of a host's intent: nothing to build. */
  compile = _intent: { closure = null; };
}
