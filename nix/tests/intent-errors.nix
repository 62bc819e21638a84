# The texts of errors about what the intent's options say together; see errors.nix.
{ lib, host }:
let
  systemd = attrs: host [ { nixfleet.systemd = attrs; } ];
  service = attrs: (systemd { services.x = attrs; });
in
{
  scriptAndExecStart = {
    expr = service { script = "true"; serviceConfig.ExecStart = "/bin/x"; };
    has = [ "nixfleet.systemd.services.x (" "intent-errors.nix:" "): serviceConfig.ExecStart says what another option says too; give one of them" ];
  };
  descriptionTwice = {
    expr = service { script = "true"; description = "a"; unitConfig.Description = "b"; };
    has = [ "nixfleet.systemd.services.x (" "): unitConfig.Description says what another option says too" ];
  };
  lineBreak = {
    expr = service { serviceConfig.ExecStart = "/bin/a\n/bin/b"; };
    has = [ "nixfleet.systemd.services.x (" "): the setting ExecStart has a line break, which would end it; give a list for several values" ];
  };
  serviceOfNothing = {
    expr = service { };
    has = [ "host \"h\": failed assertions:" "- nixfleet.systemd.services.x (" "): the service does nothing; give it a script, or serviceConfig.ExecStart" ];
  };
  serviceWithSuffix = {
    expr = systemd { services."x.service".script = "true"; };
    has = [ "nixfleet.systemd.services.\"x.service\" (" "): the name is without suffix; write nixfleet.systemd.services.x" ];
  };
  dropInThatEnables = {
    expr = service { overrideStrategy = "asDropin"; wantedBy = [ "multi-user.target" ]; };
    has = [ "nixfleet.systemd.services.x (" "): a drop-in cannot enable a unit; leave wantedBy, requiredBy, upheldBy and aliases out" ];
  };
  badDependency = {
    expr = service { script = "true"; after = [ "network" ]; };
    has = [ "`hosts.h.nixfleet.systemd.services.x.after" "systemd unit name with its suffix, such as \"network.target\"" ];
  };
  badSetting = {
    expr = service { serviceConfig.ExecStart = { a = 1; }; };
    has = [ "`hosts.h.nixfleet.systemd.services.x.serviceConfig.ExecStart' is not of type `systemd setting: a string, a number, a boolean, a path, a package, a list of these, or null'" ];
  };
  settingTwice = {
    expr = host [ { nixfleet.systemd.services.x.serviceConfig.ExecStart = "/a"; } { nixfleet.systemd.services.x.serviceConfig.ExecStart = "/b"; } ];
    has = [ "`hosts.h.nixfleet.systemd.services.x.serviceConfig.ExecStart' has conflicting definition values:" ];
  };
  misspeltServiceOption = {
    expr = service { scirpt = "true"; };
    has = [ "The option `hosts.h.nixfleet.systemd.services.x.scirpt' does not exist." "script'" ];
  };
  textAndOptions = {
    expr = systemd { units."x.service".text = "[Service]"; services.x.script = "true"; };
    has = [ "nixfleet.systemd.units.\"x.service\" (" "): the unit is text here and options in nixfleet.systemd.services.x (" "); say it in one of them" ];
  };
  emptyUnit = {
    expr = systemd { units."x.service" = { }; };
    has = [ "nixfleet.systemd.units.\"x.service\" (" ") has neither text nor dropIns" ];
  };
  enabledElsewhere = {
    expr = systemd { units."x.service" = { enabled = true; dropIns.a = ""; }; };
    has = [ "nixfleet.systemd.units.\"x.service\" (" "): enabled says nothing about a unit whose text is not here" ];
  };
  onChangeElsewhere = {
    expr = systemd { units."x.service" = { onChange = "keep"; dropIns.a = ""; }; };
    has = [ "nixfleet.systemd.units.\"x.service\" (" "): onChange says nothing about a unit whose text is not here" ];
  };
  relativeMount = {
    expr = systemd { mounts = [ { what = "/dev/sda1"; where = "srv"; } ]; };
    has = [ "where' is not of type `absolute path in ASCII'" ];
  };
  misnamedMount = {
    expr = systemd { units."data.mount".text = "[Mount]\nWhat=/dev/sda1\nWhere=/srv/my-data\n"; };
    has = [ "nixfleet.systemd.units.\"data.mount\" (" "): systemd wants the unit of Where=/srv/my-data to have the name \"srv-my\\\\x2ddata.mount\"" ];
  };
  timerWithoutService = {
    expr = systemd { timers.backup.timerConfig.OnCalendar = "daily"; };
    has = [ "nixfleet.systemd.timers.backup (" "): the fleet has no backup.service that it could start; declare it, or name the one it starts with Unit=" ];
  };
  textTimerWithoutService = {
    expr = systemd { units."backup.timer".text = "[Timer]\nOnCalendar=daily\n"; };
    has = [ "nixfleet.systemd.units.\"backup.timer\" (" "): the fleet has no backup.service" ];
  };
  socketWithoutService = {
    expr = systemd { sockets.x.listenStreams = [ "80" ]; };
    has = [ "): the fleet has no x.service that it could start; declare it, or name the one it starts with Service=" ];
  };
  pathWithoutService = {
    expr = systemd { paths.x.pathConfig.PathChanged = "/a"; };
    has = [ "): the fleet has no x.service that it could start" ];
  };
  tmpfilesNameTaken = {
    expr = systemd { tmpfiles = { rules = [ "d /run/x" ]; settings.nixfleet."/a".d = { }; }; };
    has = [ "nixfleet.systemd.tmpfiles.settings.nixfleet is where the rules go; give the settings another name" ];
  };
  badVariableName = {
    expr = host [ { nixfleet.environment.variables."a-b" = "x"; } ];
    has = [ "nixfleet.environment.variables.a-b (" "): a variable's name is made of letters, digits and underscores" ];
  };
  profileNameTaken = {
    expr = host [ { nixfleet = { environment.variables.a = "x"; profile.d.nixfleet = ""; }; } ];
    has = [ "nixfleet.profile.d.nixfleet (" ") is where environment.variables go; give it another name" ];
  };
  madeFileGiven = {
    expr = host [ { nixfleet = { sysctl."net.ipv4.ip_forward" = 1; files."/etc/sysctl.d/60-nixfleet.conf".text = ""; }; } ];
    has = [ "nixfleet.files.\"/etc/sysctl.d/60-nixfleet.conf\" (" ") is what another option makes (" "); leave one of them out" ];
  };
  madeUnitGiven = {
    expr = host [ { nixfleet = { sysctl."net.ipv4.ip_forward" = 1; systemd.services.nixfleet-sysctl.script = "true"; }; } ];
    has = [ "nixfleet.systemd.units.\"nixfleet-sysctl.service\" (" ") is what another option makes (" ];
  };
  portTwice = {
    expr = host [ { nixfleet.firewall = { enable = true; allowedTCPPorts = [ 80 ]; }; } { nixfleet.firewall.allowedTCPPorts = lib.mkIf true [ 443 80 ]; } ];
    has = [ "nixfleet.firewall: the TCP port 80 is opened twice, in " "intent-errors.nix:" " and in " ];
  };
  portInRange = {
    expr = host [ { nixfleet.firewall = { enable = true; allowedUDPPorts = [ 53 ]; allowedUDPPortRanges = [ { from = 50; to = 60; } ]; }; } ];
    has = [ "nixfleet.firewall: the UDP port 53 is opened twice, in " ];
  };
  rangesOverlap = {
    expr = host [ { nixfleet.firewall = { enable = true; sources."10.0.0.0/8".allowedTCPPortRanges = [ { from = 50; to = 60; } { from = 60; to = 70; } ]; }; } ];
    has = [ "nixfleet.firewall.sources.\"10.0.0.0/8\": the TCP ports 60-70 is opened twice, in " ];
  };
  backwardsRange = {
    expr = host [ { nixfleet.firewall = { enable = true; allowedTCPPortRanges = [ { from = 2; to = 1; } ]; }; } ];
    has = [ "nixfleet.firewall: the range from 2 to 1 ends before it begins" ];
  };
  badPort = {
    expr = host [ { nixfleet.firewall = { enable = true; allowedTCPPorts = [ 65536 ]; }; } ];
    has = [ "`hosts.h.nixfleet.firewall.allowedTCPPorts" "16 bit unsigned integer" ];
  };
  badSource = {
    expr = host [ { nixfleet.firewall = { enable = true; trustedSources = [ "example.org" ]; }; } ];
    has = [ "`hosts.h.nixfleet.firewall.trustedSources" "IPv4 or IPv6 address or network, such as \"10.0.0.0/8\"" ];
  };
  keysWithoutHome = {
    expr = host [ { nixfleet.users.svc = { system = true; keys = [ "ssh-ed25519 AAAAC3" ]; }; } ];
    has = [ "nixfleet.users.svc (" "): keys need a home, where they stand in .ssh/authorized_keys" ];
  };
  notAKey = {
    expr = host [ { nixfleet.users.ada.keys = [ "SHA256:abc" ]; } ];
    has = [ "nixfleet.users.ada (" "): \"SHA256:abc\" is no public key; expected a line such as \"ssh-ed25519 AAAA… ada@laptop\"" ];
  };
  strangerInGroup = {
    expr = host [ { nixfleet.groups.ops.members = [ "ada" ]; } ];
    has = [ "nixfleet.groups.ops (" "): the member ada is no user of the fleet; declare it in nixfleet.users, with adopt = true where the host has it already" ];
  };
  badUserName = {
    expr = host [ { nixfleet.users."Ada" = { }; } ];
    has = [ "- nixfleet.users.Ada (" "intent-errors.nix:" "): \"Ada\" is not a user or group name" ];
  };
  longUserName = {
    expr = host [ { nixfleet.tasks.x = { command = "true"; user = "a23456789012345678901234567890123"; }; } ];
    has = [ "`hosts.h.nixfleet.tasks.x.user' is not of type `user or group name'" ];
  };
  badGroupName = {
    expr = host [ { nixfleet.groups."a b" = { }; } ];
    has = [ "- nixfleet.groups.\"a b\" (" "): \"a b\" is not a user or group name" ];
  };
  rootsNumber = {
    expr = host [ { nixfleet.users.ada.uid = 0; } ];
    has = [ "`hosts.h.nixfleet.users.ada.uid' is not of type `null or user or group id between 1 and 4294967294'" ];
  };
  colonInDescription = {
    expr = host [ { nixfleet.users.ada.description = "a:b"; } ];
    has = [ "`hosts.h.nixfleet.users.ada.description' is not of type" ];
  };
  unitWithoutSuffix = {
    expr = systemd { units.nginx.text = "[Unit]\n"; };
    has = [ "- nixfleet.systemd.units.nginx (" "): \"nginx\" is not a systemd unit name with its suffix, such as \"myapp.service\"" ];
  };
  maskWithoutSuffix = {
    expr = systemd { masks = [ "apt" ]; };
    has = [ "`hosts.h.nixfleet.systemd.masks" "systemd unit name with its suffix" ];
  };
  unknownOnChange = {
    expr = systemd { units."a.service" = { text = "[Service]\n"; onChange = "explode"; }; };
    has = [ "`hosts.h.nixfleet.systemd.units.\"a.service\".onChange' is not of type `null or one of " ];
  };
  badHookName = {
    expr = host [ { nixfleet.hooks."a/b" = { when = "before-reboot"; command = "true"; }; } ];
    has = [ "- nixfleet.hooks.\"a/b\" (" "): \"a/b\" is not a name of letters, digits, '.', '_' and '-' of at most 100 characters" ];
  };
  badCheckName = {
    expr = host [ { nixfleet.healthChecks."a/b".port = 1; } ];
    has = [ "- nixfleet.healthChecks.\"a/b\" (" "): \"a/b\" is not a name of letters" ];
  };
  badTaskName = {
    expr = host [ { nixfleet.tasks."-a".command = "true"; } ];
    has = [ "- nixfleet.tasks.\"-a\" (" ];
  };
  badSecretName = {
    expr = host [ { nixfleet.secrets."a b".file = ./fixtures/secret.age; } ];
    has = [ "- nixfleet.secrets.\"a b\" (" ];
  };
  badTaskVariable = {
    expr = host [ { nixfleet.tasks.x = { command = "true"; environment."A B" = ""; }; } ];
    has = [ "- nixfleet.tasks.x (" "): the variable \"A B\" needs a name of letters, digits and underscores" ];
  };
  describedInTwoLines = {
    expr = host [ { nixfleet.tasks.x = { command = "true"; description = "a\nb"; }; } ];
    has = [ "`hosts.h.nixfleet.tasks.x.description' is not of type" ];
  };
  emptyCommand = {
    expr = host [ { nixfleet.hooks.x = { when = "before-reboot"; command = " \n"; }; } ];
    has = [ "`hosts.h.nixfleet.hooks.x.command' is not of type `command for sh'" ];
  };
  unknownMoment = {
    expr = host [ { nixfleet.hooks.x = { when = "later"; command = "true"; }; } ];
    has = [ "`hosts.h.nixfleet.hooks.x.when' is not of type `one of \"before-activation\", \"after-activation\", \"before-reboot\", \"after-reboot\"'" ];
  };
  noTimeForCheck = {
    expr = host [ { nixfleet.healthChecks.x = { port = 1; interval = "0s"; }; } ];
    has = [ "`hosts.h.nixfleet.healthChecks.x.interval' is not of type `duration of more than nothing, such as \"90s\", \"5m\" or \"1h30m\"'" ];
  };
  noPort = {
    expr = host [ { nixfleet.healthChecks.x.port = 0; } ];
    has = [ "`hosts.h.nixfleet.healthChecks.x.port' is not of type" ];
  };
  noStatus = {
    expr = host [ { nixfleet.healthChecks.x = { url = "http://x/"; status = 99; }; } ];
    has = [ "`hosts.h.nixfleet.healthChecks.x.status' is not of type" ];
  };
  noUrl = {
    expr = host [ { nixfleet.healthChecks.x.url = "localhost/x"; } ];
    has = [ "`hosts.h.nixfleet.healthChecks.x.url' is not of type `null or http or https address'" ];
  };
  longConfirmWindow = {
    expr = host [ { nixfleet.activation.confirmWindow = "1h1s"; } ];
    has = [ "`hosts.h.nixfleet.activation.confirmWindow' is not of type `duration of at most 1h, such as \"90s\" or \"5m\"'" ];
  };
  oneGeneration = {
    expr = host [ { nixfleet.activation.keepGenerations = 1; } ];
    has = [ "`hosts.h.nixfleet.activation.keepGenerations' is not of type `integer between 2 and 1000" ];
  };
  noDeadline = {
    expr = host [ { nixfleet.reboot.deadline = "0s"; } ];
    has = [ "`hosts.h.nixfleet.reboot.deadline' is not of type `duration of more than nothing" ];
  };
  validatedByNothing = {
    expr = host [ { nixfleet.files."/etc/x" = { text = ""; validate = " "; }; } ];
    has = [ "`hosts.h.nixfleet.files.\"/etc/x\".validate' is not of type" ];
  };
  emptySymlink = {
    expr = host [ { nixfleet.files."/etc/x".symlink = ""; } ];
    has = [ "`hosts.h.nixfleet.files.\"/etc/x\".symlink' is not of type" ];
  };
  badRestartUnit = {
    expr = host [ { nixfleet.secrets.x = { file = ./fixtures/secret.age; restartUnits = [ "nginx" ]; }; } ];
    has = [ "`hosts.h.nixfleet.secrets.x.restartUnits" "systemd unit name with its suffix" ];
  };
  checkOfNothing = {
    expr = host [ { nixfleet.healthChecks.x.retries = 1; } ];
    has = [ "nixfleet.healthChecks.x (" ") needs exactly one of unit, url, port and command, but has none" ];
  };
  checkOfTwo = {
    expr = host [ { nixfleet.healthChecks.x = { url = "http://x/"; port = 1; }; } ];
    has = [ ") needs exactly one of unit, url, port and command, but has port and url" ];
  };
  unitFromAfar = {
    expr = host [ { nixfleet.healthChecks.x = { unit = "x.service"; from = "controller"; }; } ];
    has = [ "nixfleet.healthChecks.x (" "): only the host can tell whether a unit is active; leave from out" ];
  };
  statusOfPort = {
    expr = host [ { nixfleet.healthChecks.x = { port = 1; status = 204; }; } ];
    has = [ "nixfleet.healthChecks.x (" "): status and body belong to a check with url" ];
  };
  badDuration = {
    expr = host [ { nixfleet.tasks.x = { command = "true"; timeout = "soon"; }; } ];
    has = [ "`hosts.h.nixfleet.tasks.x.timeout' is not of type `duration of more than nothing, such as \"90s\", \"5m\" or \"1h30m\"'" ];
  };
  badWindow = {
    expr = host [ { nixfleet.reboot.windows = [ "Sunday 2-4" ]; } ];
    has = [ "`hosts.h.nixfleet.reboot.windows" "weekly window such as \"Sun 02:00-04:00\"" ];
  };
  badWindowsForUpdates = {
    expr = host [ { nixfleet.osUpdates.ubuntu.rebootWindow = [ "Sun 02:00-04:00" "Sun 24:00-02:00" ]; } ];
    has = [ "`hosts.h.nixfleet.osUpdates.ubuntu.rebootWindow" "weekly window such as \"Sun 02:00-04:00\"" ];
  };
  hookWithoutMoment = {
    expr = host [ { nixfleet.hooks.x.command = "true"; } ];
    has = [ "The option `hosts.h.nixfleet.hooks.x.when' was accessed but has no value defined." ];
  };
  secretInClear = {
    expr = host [ { nixfleet.secrets.x.file = ./fixtures/module.nix; } ];
    has = [ "nixfleet.secrets.x (" "module.nix is not an age file; encrypt it with `age --armor` first" ];
  };
  secretBinary = {
    expr = host [ { nixfleet.secrets.x.file = ./fixtures/binary.age; } ];
    has = [ "nixfleet.secrets.x (" "binary.age is a binary age file; encrypt it with `age --armor`" ];
  };
  secretElsewhere = {
    expr = host [ { nixfleet.secrets.x = { file = ./fixtures/secret.age; path = "/etc/secret"; }; } ];
    has = [ "`hosts.h.nixfleet.secrets.x.path' is not of type `null or path below /run/nixfleet-secrets'" ];
  };
  severalProblems = {
    expr = host [ { assertions = [ { assertion = false; message = "first"; } ]; nixfleet.systemd = { services.x = { }; timers.y.timerConfig.OnCalendar = "daily"; }; } ];
    has = [ "- first\n" "- nixfleet.systemd.services.x (" "- nixfleet.systemd.timers.y (" ];
  };
}
