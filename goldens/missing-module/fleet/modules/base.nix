{
  imports = [
    ./user.nix
  ];
}
