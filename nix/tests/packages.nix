# Packages of all kinds in one directory, for a test that builds them.
let
  lib = import ../lib/prelude;
  pkgs = import ../lib/pkgs {
    inherit lib;
    system = "x86_64-linux";
  };
  dep = pkgs.writeShellScriptBin "dep" "echo dep ran\n";
  longName = lib.strings.replicate 30 "long-";
in
pkgs.buildEnv {
  name = "all";
  paths = [
    (pkgs.writeScriptBin "run" "#!/bin/sh\nexec ${dep}/bin/dep\n")
    (pkgs.writeTextFile {
      name = "encoded";
      # What libarchive would take for uuencoded data, if it took the archive for text.
      text = "begin 644 foo\n#0V%T\n`\nend\näöü €\n";
      destination = "/share/encoded/${longName}";
    })
    (pkgs.fromFile {
      name = "tool";
      path = pkgs.writeShellScript "tool" "echo tool ran\n";
    })
    (pkgs.linkFarm "farm" {
      "bin/linked" = "${dep}/bin/dep";
      "etc/text" = pkgs.writeText "text" "of ${dep}\n";
      "etc/plain" = pkgs.writeText "plain" "plain\n";
    })
  ];
}
