// Package lab boots throwaway Debian hosts on this machine and breaks them on purpose.
//
// A lab is a set of hosts with names and addresses in 10.77.0.0/16. A host is a systemd-nspawn container with systemd as
// PID 1, sshd, sudo, python3 and a Nix daemon, over a Debian root that is built once and cached: an overlay, a network
// namespace and a cgroup of its own. What looks on from outside is the controller: [Lab.Command] runs a program in the
// lab's network, [Lab.Dial] and [Lab.Listen] do the same for this process.
//
// All of a lab lives in three namespaces (processes, mounts, network) whose init process reads a pipe from the owner. When
// the owner closes the lab, or is killed, that init ends, and the kernel takes every process, mount and link of the lab
// with it. Only a directory and empty cgroups remain; the next Start removes those.
//
// The package never touches the machine's own network, mounts or units. It raises fs.inotify.max_user_instances, which
// the kernel has only once for all, when it is too low for the hosts asked for, and says so.
package lab
