# Types of values that several intent options share.
{ lib }:
let
  inherit (lib) types;
  named =
    description: type:
    type
    // {
      inherit description;
    };
  day = "Mon|Tue|Wed|Thu|Fri|Sat|Sun";
  clock = "([01][0-9]|2[0-3]):[0-5][0-9]";
  window = named "weekly window such as \"Sun 02:00-04:00\"" (
    types.strMatching "((${day})([-,](${day}))* )?${clock}-(${clock}|24:00)"
  );
  lengthOfTime = types.strMatching "([0-9]{1,5}h)?([0-9]{1,7}m)?([0-9]{1,9}s)?";
  percentage = types.strMatching "([1-9][0-9]?|100)%";
  hostCount = named "number of hosts of at least 1, or a percentage such as \"10%\"" (
    types.either types.ints.positive percentage
  );
  onePer = types.addCheck (types.attrsOf types.nonEmptyStr) (
    v: v == { onePer = "group"; } || builtins.attrNames v == [ "onePerTag" ]
  );
in
{
  /** A file mode: three or four octal digits; three get a leading zero. */
  mode = named "file mode of three or four octal digits, such as \"0644\"" (
    types.strMatching "[0-7]{3,4}"
  );

  /** `apply` of an option of type `mode`. */
  fourDigits = mode: if builtins.stringLength mode == 3 then "0${mode}" else mode;

  /** The name of a user or of a group, as useradd and groupadd take it. */
  accountName = named "user or group name" (types.strMatching "[a-z_][a-z0-9_-]{0,31}");

  /** The name of a systemd unit, with its suffix. */
  unitName = named "systemd unit name with its suffix, such as \"myapp.service\"" (
    types.strMatching "[A-Za-z0-9:_.\\-]+(@[A-Za-z0-9:_.\\-]*)?[.](service|socket|timer|path|mount|automount|swap|slice|scope|target|device)"
  );

  /** A user or group id that is not root's. */
  accountId = named "user or group id between 1 and 4294967294" (types.ints.between 1 4294967294);

  /** A number of hosts, or a share of them. */
  inherit hostCount;

  /** Which hosts come first. */
  canary =
    named "number of hosts, a percentage such as \"10%\", a list of hosts, { onePer = \"group\"; }, or { onePerTag = \"zone\"; }"
      (
        types.oneOf [
          hostCount
          (types.nonEmptyListOf types.nonEmptyStr)
          onePer
        ]
      );

  /** A number of hosts that may be none, or a share of them. */
  hostBudget = named "number of hosts, or a percentage such as \"10%\"" (
    types.either types.ints.unsigned percentage
  );

  /** A length of time. */
  duration = named "duration such as \"90s\", \"5m\" or \"1h30m\"" (
    types.addCheck lengthOfTime (v: v != "")
  );

  /** A length of time of more than nothing. */
  positiveDuration = named "duration of more than nothing, such as \"90s\", \"5m\" or \"1h30m\"" (
    types.addCheck lengthOfTime (v: builtins.match ".*[1-9].*" v != null)
  );

  /** A duration in seconds. */
  seconds =
    duration:
    let
      parts = builtins.match "(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?" duration;
      number =
        i:
        let
          digits = lib.elemAt parts i;
        in
        # As decimal: toInt takes leading zeros for an error.
        if digits == null then 0 else builtins.fromJSON (lib.head (builtins.match "0*([0-9]+)" digits));
    in
    number 1 * 3600 + number 3 * 60 + number 5;

  /** A command for sh. */
  command = named "command for sh" (types.addCheck types.lines (v: lib.trim v != ""));

  /** A time of each week. */
  inherit window;

  /** One such time, or several. */
  windows = types.either window (types.nonEmptyListOf window);

  /** A value of the type `windows` or null, as a list. */
  listOfWindows = windows: if windows == null then [ ] else lib.toList windows;
}
