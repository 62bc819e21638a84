# Turns a fresh Debian root into the lab's image. Runs inside that root; $RELEASE is its code name.
set -eu

# Accounts of hosts have numbers below 500. A Nix that builds without its sandbox, as Debian's does, kills whatever runs
# under its build users' numbers, and Debian takes those from 999 downwards: a build on the machine outside would end
# processes of the hosts, which it can reach.
awk -F: '$3 >= 500 && $3 < 1000 { print $1, $3 }' /etc/passwd | while read -r name uid; do
	find / -xdev -uid "$uid" -exec chown --no-dereference "$((uid - 500))" {} +
	sed -i "s/^$name:x:$uid:/$name:x:$((uid - 500)):/" /etc/passwd
done
sed -i -E 's/^#?[[:space:]]*(SYS_[UG]ID_MAX)[[:space:]].*/\1 499/' /etc/login.defs

useradd --create-home --shell /bin/bash --uid 1000 --password '*' deploy
install -d -m 0700 -o deploy -g deploy /home/deploy/.ssh

# Hosts get keys of their own at first boot of a lab, from outside.
rm -f /etc/ssh/ssh_host_*
{
	echo 'HostKey /etc/ssh/ssh_host_ed25519_key'
	echo 'PasswordAuthentication no'
	echo 'MaxStartups 100:30:200'
	# Tests are refused on purpose; the next one must not be punished for it.
	[ "$RELEASE" = bookworm ] || echo 'PerSourcePenalties no'
} >/etc/ssh/sshd_config.d/lab.conf

# An empty list of substituters: otherwise each command first waits for a cache that cannot be reached.
cat >/etc/nix/nix.conf <<'CONF'
experimental-features = nix-command flakes
substituters =
sandbox = false
CONF
nix-store --init
mkdir -p /nix/var/nix/profiles/per-user /nix/var/nix/gcroots/per-user
chgrp nixbld /nix/store
chmod 1775 /nix/store

# Quiet hosts: nothing starts by itself in the middle of a test. Services are disabled, so that a test can enable them.
systemctl set-default multi-user.target
systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer logrotate.timer
systemctl mask console-getty.service getty@.service systemd-firstboot.service systemd-networkd-wait-online.service
systemctl disable unattended-upgrades.service e2scrub_reap.service nftables.service 2>/dev/null || :

echo 'LANG=C.UTF-8' >/etc/default/locale

# Nothing of the building machine: neither its name and resolver nor its package mirror.
rm -f /etc/hostname /etc/resolv.conf /etc/apt/apt.conf.d/99mmdebstrap /etc/apt/sources.list.d/*
: >/etc/resolv.conf
: >/etc/apt/sources.list
: >/etc/machine-id
rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/*.log /var/log/apt/*
