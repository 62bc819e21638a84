# Where something is written, as `modules/web.nix:12`: relative to the fleet's source, so that it is the same everywhere.
let
  inherit (builtins) elemAt match storeDir unsafeGetAttrPos;

  relative =
    file:
    let
      inStore = match "${storeDir}/[^/]+/(.+)" file;
    in
    if inStore == null then file else elemAt inStore 0;
in
{
  inherit relative;

  /** The position of an attribute; "" where nobody knows. */
  of =
    name: set:
    let
      pos = unsafeGetAttrPos name set;
    in
    if pos == null then "" else "${relative pos.file}:${toString pos.line}";

  /** The file of an attribute; the fallback where nobody knows. */
  fileOf =
    fallback: name: set:
    let
      pos = unsafeGetAttrPos name set;
    in
    if pos == null then fallback else relative pos.file;
}
