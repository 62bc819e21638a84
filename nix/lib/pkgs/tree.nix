/*
  Store paths made of text: a derivation that Nix carries out by itself, so it builds on any machine for any system.

  The archive is added to the store during evaluation, without the references that its text has; the derivation names
  these as inputs, and Nix finds them in what it unpacks.
*/
let
  inherit (builtins)
    elemAt
    filter
    isString
    split
    substring
    unsafeDiscardStringContext
    ;
  tar = import ./tar.nix;

  # The context of a string without its text.
  contextOf = substring 0 0;
  plain = unsafeDiscardStringContext;

  unpack =
    {
      name,
      top,
      archive,
      context,
    }:
    derivation {
      inherit name;
      system = "builtin";
      builder = "builtin:unpack-channel";
      # The one entry at the top of the archive, which keeps its name.
      channelName = top;
      src = builtins.toFile "${name}.tar" archive;
      inputs = context;
      preferLocalBuild = true;
      # Unpacking a text is quicker than asking a cache for it, and works where none can be reached.
      allowSubstitutes = false;
    };

  topOf = path: elemAt (filter isString (split "/" path)) 0;
in
{
  /** A directory with one text file in it, at a relative path. */
  file =
    {
      name,
      path,
      text,
      executable ? false,
    }:
    unpack {
      inherit name;
      top = topOf path;
      archive = tar.files [
        {
          inherit path executable;
          text = plain text;
        }
      ];
      context = contextOf text;
    };

  /** A directory with symbolic links in it: `links` is `[{ path, target }]`, all below one top directory. */
  links =
    { name, links }:
    unpack {
      inherit name;
      top = topOf (elemAt links 0).path;
      archive = tar.links (
        map (link: {
          inherit (link) path;
          target = plain link.target;
        }) links
      );
      context = builtins.concatStringsSep "" (map (link: contextOf "${link.target}") links);
    };

  inherit contextOf;
}
