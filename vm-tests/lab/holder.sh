# PID 1 of a lab: makes the lab's mounts and bridge private, says "ready", then lives as long as its owner.
# Arguments: v1 or v2, the cgroup hierarchy of hosts; the text of this script.
# Standard input is a pipe from the owner: "keep" lets the lab outlive it, end of file ends the lab and all in it.
set -eu
umask 022

# In a chroot "/" is no mount point; then it becomes one, by way of /proc, which is one and can be made private.
if ! mount --make-rprivate / 2>/dev/null; then
	mount --make-private /proc
	mount -t tmpfs tmpfs /proc
	mkdir /proc/root
	mount --rbind / /proc/root
	exec chroot /proc/root /bin/sh -c "$2" "$0" "$1" "$2"
fi
mount -t proc proc /proc
# A /run of its own: nspawn's locks and `ip netns` names cannot meet those of the machine or of another lab.
mount -t tmpfs -o mode=0755 tmpfs /run
mkdir /run/netns

# Hosts see cgroup v2, as on today's machines, also where this machine still has v1 in its usual place.
if [ "$1" = v2 ] && ! grep -q ' /sys/fs/cgroup cgroup2 ' /proc/mounts; then
	umount -R -l /sys/fs/cgroup
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
fi

ip link set lo up
ip link add lab0 address 02:00:0a:4d:00:01 type bridge forward_delay 0
ip address add 10.77.0.1/16 dev lab0
# A bridge without a working port takes up to a second to work again; this port always does.
ip link add always0 type veth peer name always1
ip link set always0 master lab0 up
ip link set always1 up
ip link set lab0 up
echo ready

read -r word || exit 0
[ "$word" = keep ] || exit 0
# `sleep` in the foreground, so that the shell also collects processes that lost their parents.
while :; do sleep 3600; done
