# The codes of the ASCII characters that a Nix string can hold: `{ "A" = 65; … }`.
let
  inherit (builtins)
    fromJSON
    genList
    listToAttrs
    substring
    ;
  hex = "0123456789abcdef";
  char =
    code: fromJSON "\"\\u00${substring (code / 16) 1 hex}${substring (code - code / 16 * 16) 1 hex}\"";
in
listToAttrs (
  genList (i: {
    name = char (i + 1);
    value = i + 1;
  }) 127
)
