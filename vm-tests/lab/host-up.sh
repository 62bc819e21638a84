# Mounts a host's root and plugs in its network, inside the lab's namespaces. Safe to run again after a power cut.
# Arguments: directory of the host, lower directories, name, address, name of the link, MAC, disk image or "".
set -eu
umask 022
dir=$1 lower=$2 name=$3 address=$4 link=$5 mac=$6 image=$7
cd "$dir"
mkdir -p disk root
if [ -n "$image" ]; then
	mount -t ext4 -o loop "$image" disk
elif [ "$(stat --file-system --format=%T .)" = overlayfs ]; then
	# As in a Docker container: an overlay cannot keep its changes on another overlay.
	mount -t tmpfs -o mode=0755,size=50% tmpfs disk
fi
mkdir -p disk/upper disk/work
chmod 0755 disk/upper
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$dir/disk/upper,workdir=$dir/disk/work" root

if [ ! -e "/run/netns/$name" ]; then
	ip netns add "$name"
	ip link add "$link" type veth peer name eth0 address "$mac" netns "$name"
	ip link set "$link" master lab0 up
	ip -n "$name" link set lo up
	ip -n "$name" address add "$address/16" dev eth0
	# As across routers, the controller gets no error for a host that is off or cut off: only silence.
	ip neighbour add "$address" lladdr "$mac" dev lab0 nud permanent
fi
