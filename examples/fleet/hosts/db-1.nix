# db-1 answers on another port than modules/db.nix says.
{
  db.port = 5433;
}
