# PID 1 of a lab, after private.sh: makes the lab's bridge, says "ready", then lives as long as its owner.
# Arguments: the text of the script; v1 or v2, the cgroup hierarchy of hosts.
# Standard input is a pipe from the owner: "keep" lets the lab outlive it, end of file ends the lab and all in it.

# A /run of its own: nspawn's locks and `ip netns` names cannot meet those of the machine or of another lab.
mount -t tmpfs -o mode=0755 tmpfs /run
mkdir /run/netns

# Hosts see cgroup v2, as on today's machines, also where this machine still has v1 in its usual place.
if [ "$2" = v2 ] && ! grep -q ' /sys/fs/cgroup cgroup2 ' /proc/mounts; then
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
