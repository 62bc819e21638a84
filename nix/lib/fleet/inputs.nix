/*
  What `--input name=path` brings in: fetched by its hash, so that evaluation stays pure. A file or a directory in the
  store, usable wherever a path is: `"${inputs.myapp}"`, `inputs.site + "/index.html"`.
*/
builtins.mapAttrs (
  _: input:
  let
    fetched = builtins.fetchTree {
      type = "path";
      inherit (input) path narHash;
    };
  in
  {
    inherit (fetched) outPath narHash;
    executable = input.executable or true;
  }
)
