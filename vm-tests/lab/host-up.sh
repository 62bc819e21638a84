# Mounts a host's root and plugs in its network, inside the lab's namespaces. Safe to run again after a power cut.
# Arguments: directory of the host, lower directories, name, address with prefix, name of the link, disk image or "".
set -eu
umask 022
dir=$1 lower=$2 name=$3 address=$4 link=$5 image=$6
cd "$dir"
mkdir -p disk root
if [ -n "$image" ]; then
	mount -t ext4 -o loop "$image" disk
fi
mkdir -p disk/upper disk/work
chmod 0755 disk/upper
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$dir/disk/upper,workdir=$dir/disk/work" root

if [ ! -e "/run/netns/$name" ]; then
	ip netns add "$name"
	ip link add "$link" type veth peer name eth0 netns "$name"
	ip link set "$link" master lab0 up
	ip -n "$name" link set lo up
	ip -n "$name" address add "$address" dev eth0
	ip -n "$name" link set eth0 up
fi
