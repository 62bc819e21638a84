/*
  `pkgs` of a fleet without nixpkgs: builders for text, scripts and ready-made files, by nixpkgs' names where it has them.
  Nothing here downloads or compiles anything.
*/
{ lib, system }:
let
  tree = import ./tree.nix;
  inherit (builtins) hasContext toFile;

  relative =
    what: path:
    let
      clean = lib.removePrefix "/" path;
    in
    if clean == "" || lib.any (part: part == "" || part == "." || part == "..") (lib.splitString "/" clean) then
      throw "${what}: the destination ${lib.strings.escapeNixString path} is not a path inside a package"
    else
      clean;

  # A derivation as people use it: with its meta data, and as `pkg.out`.
  mkPackage =
    drv: extra:
    let
      pkg =
        drv
        // {
          out = pkg;
          all = [ pkg ];
          pname = drv.name;
          meta = { };
        }
        // extra;
    in
    pkg;

  # A file that is the store path, or inside one, and no directory of programs.
  single =
    {
      name,
      text,
      executable,
    }:
    if !executable && !derivationContext text then
      {
        type = "derivation";
        inherit name;
        outPath = toFile name text;
      }
    else
      let
        drv = tree.file {
          inherit name text executable;
          path = name;
        };
      in
      {
        type = "derivation";
        inherit name;
        inherit (drv) drvPath;
        outPath = "${drv}/${name}";
      };

  # toFile takes references to sources but not to what has yet to be built.
  derivationContext =
    text: hasContext text && lib.any (c: c ? outputs || c ? allOutputs) (lib.attrValues (builtins.getContext text));

  writeTextFile =
    {
      name,
      text,
      executable ? false,
      destination ? "",
      meta ? { },
    }:
    if destination == "" then
      single { inherit name text executable; }
    else
      mkPackage (tree.file {
        inherit name text executable;
        path = relative "writeTextFile ${name}" destination;
      }) { inherit meta; };

  writeScriptBin =
    name: text:
    writeTextFile {
      inherit name text;
      executable = true;
      destination = "/bin/${name}";
      meta.mainProgram = name;
    };

  shell = text: "#!/bin/sh\n" + text;
in
{
  inherit
    lib
    system
    writeTextFile
    writeScriptBin
    ;

  /** A text file in the store: `writeText "motd" "hello"`. */
  writeText = name: text: writeTextFile { inherit name text; };

  /** An executable text file in the store; its first line says what runs it. */
  writeScript =
    name: text:
    writeTextFile {
      inherit name text;
      executable = true;
    };

  /** A script for the host's /bin/sh, as a store path. */
  writeShellScript =
    name: text:
    writeTextFile {
      inherit name;
      text = shell text;
      executable = true;
    };

  /** A script for the host's /bin/sh, as a package with a program in bin. */
  writeShellScriptBin = name: text: writeScriptBin name (shell text);

  /**
    A package around a file that comes from elsewhere, such as a program that CI built: `path` is `inputs.<name>` or a file
    of the fleet. The program must be executable already: Nix keeps that bit and nothing can add it.
  */
  fromFile =
    {
      name,
      path,
      destination ? "bin/${name}",
      executable ? true,
      meta ? { },
    }:
    if executable && !(path.executable or true) then
      throw "fromFile ${name}: ${path.file or (toString path)} is not executable; make it so with chmod +x, or say executable = false"
    else
      mkPackage
        (tree.links {
          inherit name;
          links = [
            {
              path = relative "fromFile ${name}" destination;
              target = "${path}";
            }
          ];
        })
        {
          meta = lib.optionalAttrs executable { mainProgram = name; } // meta;
        };

  /** A directory of symbolic links: `linkFarm "roots" { "a/b" = pkg; }`, or a list of `{ name, path }`. */
  linkFarm =
    name: entries:
    let
      list =
        if lib.isAttrs entries then
          lib.mapAttrsToList (name: path: { inherit name path; }) entries
        else
          entries;
      byTop = lib.groupBy (e: lib.head (lib.splitString "/" (relative "linkFarm ${name}" e.name))) list;
      # An archive has one directory at its top, so there is one for each, put together by buildEnv.
      trees = lib.mapAttrsToList (
        _: es:
        tree.links {
          name = "${name}-links";
          links = map (e: {
            path = relative "linkFarm ${name}" e.name;
            target = e.path;
          }) es;
        }
      ) byTop;
    in
    import ./build-env.nix { inherit lib; } {
      inherit name;
      paths = trees;
    };

  /** Several packages as one directory: `buildEnv { name = "tools"; paths = [ … ]; }`. */
  buildEnv =
    { name, paths }:
    mkPackage (import ./build-env.nix { inherit lib; } { inherit name paths; }) { };
}
