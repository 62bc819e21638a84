# A generated file: what nixfleet.files has, with its defaults.
fields:
{
  text = null;
  source = null;
  symlink = null;
  mode = "0644";
  owner = "root";
  group = "root";
  restartUnits = [ ];
  reloadUnits = [ ];
  validate = null;
  adopt = false;
}
// fields
