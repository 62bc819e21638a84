# Everything of the host that the fleet "change" manages, and how its units run.
find /etc/change /etc/systemd/system ! -name 'nixfleet-recover.service' -printf '%p %y %m %u %g %l\n' | sort
for file in /etc/change/*; do [ -f "$file" ] && echo "$file $(cat "$file")"; done
getent passwd | grep ^change || :
getent group | grep ^change || :
for unit in kept dropped added hold early; do
  name=change-$unit.service
  systemctl show --property=Id,ActiveState,UnitFileState,NeedDaemonReload "$name"
  pid=$(systemctl show --property=MainPID --value "$name")
  [ "$pid" = 0 ] || tr '\0' '\n' <"/proc/$pid/environ" | grep EDITION
done
cat /run/change-early
readlink /nix/var/nix/profiles/nixfleet/system
ls /nix/var/nix/profiles/nixfleet /nix/var/nix/gcroots/nixfleet 2>&1 || :
ls -d /etc/.nixfleet /var/lib/nixfleet/unfinished /var/lib/nixfleet/staging 2>&1 || :
