# The beginning of a script that is PID 1 of new namespaces: from here on no mount is seen outside.
# First argument: the text of the whole script.
set -eu
umask 022

# In a chroot "/" is no mount point; then it becomes one, by way of /proc, which is one and can be made private.
if ! mount --make-rprivate / 2>/dev/null; then
	mount --make-private /proc
	mount -t tmpfs tmpfs /proc
	mkdir /proc/root
	mount --rbind / /proc/root
	exec chroot /proc/root /bin/sh -c "$1" "$0" "$@"
fi
mount -t proc proc /proc

