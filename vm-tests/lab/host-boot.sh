# Runs a host until it is powered off: nspawn in a fresh cgroup, again after each reboot.
# Arguments: directory of the host, name, then the host's cgroup in each hierarchy.
set -eu
umask 022
dir=$1 name=$2
shift 2

# Two systems on one overlay would destroy it, so a host holds this lock as long as its nspawn lives.
exec 9>"$dir/power.lock"
flock -w 20 9

boot=0
while :; do
	boot=$((boot + 1))
	status=0
	for cgroup; do mkdir -p "$cgroup/$boot"; done
	(
		# A cgroup for each boot: on a v2-only machine one that delegated controllers takes no process any more.
		for cgroup; do echo 0 >"$cgroup/$boot/cgroup.procs"; done
		exec systemd-nspawn --quiet --boot --register=no --keep-unit --machine="$name" --directory="$dir/root" \
			--network-namespace-path="/run/netns/$name" --console=pipe \
			--resolv-conf=off --timezone=off --link-journal=no
	) </dev/null >>"$dir/console.log" 2>&1 || status=$?
	for cgroup; do
		find "$cgroup/$boot" -depth -type d -exec rmdir {} + 2>/dev/null || :
	done
	# 133 is how nspawn, with --keep-unit, asks to be started again after a reboot.
	[ "$status" = 133 ] || break
done
