/*
  What nixpkgs' lib has and this one has not. Each name is there and throws a message that says where to get it, so that
  nobody searches for a typing error.
*/
let
  missing =
    path: names:
    builtins.listToAttrs (
      map (name: {
        inherit name;
        value = throw "${path}.${name} is not part of NixFleet's own lib; give mkFleet a nixpkgs to have all of it: mkFleet { nixpkgs = …; }";
      }) names
    );
in
{
  generators = missing "lib.generators" [
    "mkDconfKeyValue"
    "mkLuaInline"
    "toDconfINI"
    "toDhall"
    "toLua"
    "toPlist"
  ];

  types = missing "lib.types" [
    "attrListOf"
    "attrListWith"
    "fileset"
    "json"
    "luaInline"
    "serializableValueWith"
    "shellPackage"
    "toml"
  ];

  top = missing "lib" [
    "callPackageWith"
    "callPackagesWith"
    "cleanSource"
    "cleanSourceFilter"
    "cleanSourceWith"
    "cli"
    "customisation"
    "derivations"
    "extendDerivation"
    "extendMkDerivation"
    "fakeHash"
    "fakeSha256"
    "fakeSha512"
    "fetchers"
    "fileset"
    "filesystem"
    "gvariant"
    "kernel"
    "licenses"
    "maintainers"
    "makeOverridable"
    "makeScope"
    "network"
    "packagesFromDirectoryRecursive"
    "path"
    "platforms"
    "sourceByRegex"
    "sourceFilesBySuffices"
    "sources"
    "systems"
    "teams"
  ];
}
