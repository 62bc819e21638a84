# Where something is written, as `modules/web.nix:12`: relative to the fleet's source, so that it is the same everywhere.
let
  inherit (builtins)
    attrNames
    elemAt
    functionArgs
    head
    isFunction
    match
    storeDir
    unsafeGetAttrPos
    ;

  relative =
    file:
    let
      inStore = match "${storeDir}/[^/]+/(.+)" file;
    in
    if inStore == null then file else elemAt inStore 0;
  fileOf =
    fallback: name: set:
    let
      pos = unsafeGetAttrPos name set;
    in
    if pos == null then fallback else relative pos.file;

  # Some name that a module's text has: an argument of a function, an attribute of a set.
  namesOf = m: if isFunction m then functionArgs m else m;
in
{
  inherit relative fileOf;

  /** The position of an attribute; "" where nobody knows. */
  of =
    name: set:
    let
      pos = unsafeGetAttrPos name set;
    in
    if pos == null then "" else "${relative pos.file}:${toString pos.line}";

  /** The file that a module written in place stands in; the fallback where nobody knows. */
  fileOfModule =
    fallback: m:
    let
      names = namesOf m;
    in
    if names == { } then fallback else fileOf fallback (head (attrNames names)) names;
}
