# Runs a host until it is powered off: nspawn in a fresh cgroup, again after each reboot.
# Arguments: directory of the host, name, cgroup of the host.
set -eu
umask 022
dir=$1 name=$2 cgroup=$3

# Two systems on one overlay would destroy it, so a host holds this lock as long as its nspawn lives.
exec 9>"$dir/power.lock"
flock -w 60 9

while :; do
	# A cgroup for each boot: one that has given its controllers to cgroups below takes no process any more.
	boot=$(mktemp -d "$cgroup/boot-XXXXXX")
	ip -n "$name" link set eth0 up
	ip -n "$name" neighbour replace 10.77.0.1 lladdr 02:00:0a:4d:00:01 dev eth0 nud permanent
	status=0
	(
		echo 0 >"$boot/cgroup.procs"
		# The host's network namespace is its own, so it may set what is below /proc/sys/net, and filter packets.
		export SYSTEMD_NSPAWN_API_VFS_WRITABLE=network
		exec systemd-nspawn --quiet --boot --register=no --keep-unit --machine="$name" --directory="$dir/root" \
			--network-namespace-path="/run/netns/$name" --capability=CAP_NET_ADMIN --console=pipe \
			--resolv-conf=off --timezone=off --link-journal=no
	) </dev/null >>"$dir/console.log" 2>&1 || status=$?
	# The network namespace outlives the host, but a host that is off answers nothing.
	ip -n "$name" link set eth0 down
	find "$boot" -depth -type d -exec rmdir {} + 2>/dev/null || :
	# 133 is how nspawn, with --keep-unit, asks to be started again after a reboot.
	[ "$status" = 133 ] || break
done
