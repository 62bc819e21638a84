package resolve

import (
	"path"
	"slices"
	"strings"

	"github.com/nixfleet/nixfleet/schema"
)

// known are units that Debian, Ubuntu and NixOS, or the packages that people run
// services with, bring along: without type and instance, with * for any ending.
var known = strings.Fields(`
	acpid apache2 apparmor apt-daily* auditd autofs avahi-daemon bind9 bird* bluetooth boot-* caddy certbot chrony* chronyd
	clamav-* cloud-* collectd colord conman consul containerd corosync coredns cron crond cups* dbus* debug-shell
	dev-* dnsmasq docker* dovecot* e2scrub* elasticsearch emergency envoy etcd exim4 fail2ban falco filebeat firewalld fluent*
	fstrim fwupd* gdm* getty* gitea gitlab-runner glusterd gpm gpsd grafana* graphical gssproxy haproxy hostapd httpd
	influxd influxdb initrd-* inetd ipmievd iptables irqbalance iscsi* jenkins k3s kafka kdump* keepalived kernel* keyboard-setup kibana kmod*
	knot* kubelet libvirt* lightdm lighttpd lldpd lm-sensors local-fs* logrotate logstash lvm2-* lxc* lxd lxd-agent machines
	man-db mariadb mdadm* mdmonitor* memcached meilisearch minio modprobe* ModemManager mongod mosquitto motd-news motd multi-user
	multipathd munin-node mysql mysqld named nagios* nats-server netdata netplan* network* nfs-* nftables nginx nix-daemon nix-gc nix-optimise nmbd node_exporter
	nomad nscd nslcd nsd ntp ntpd ntpsec nut-* ollama opendkim opensearch openvpn* open-vm-tools paths pcscd pacemaker
	php* plymouth* polkit* postfix* postgresql* power-profiles-daemon poweroff prometheus* promtail proxysql puppet* qemu-guest-agent
	rabbitmq-server rasdaemon rc-local reboot redis* remote-fs* rescue resolvconf rpcbind rsync* rsyslog rtkit-daemon runlevel* rustdesk
	salt-* samba* screen-cleanup serial-getty* setvtrgb shutdown sleep slapd slices smartd smartmontools smbd snapd* snap* snmpd sockets sogod solr
	spamassassin spamd squid ssh* sshd* sssd* stunnel4 strongswan* sudo supervisor suspend swap sysinit sysstat* system
	systemd-* tailscaled telegraf teleport tftpd* timers tinc* tmp tomcat* tor* traefik transmission-daemon tuned udev udisks2 ufw umount unattended-upgrades
	unbound unit-* update-notifier* upower user* uuidd uwsgi* valkey* varnish* vault vector victoria* vmtoolsd vsftpd wazuh-agent wg-quick*
	winbind wpa_supplicant* xinetd xrdp* zabbix-* zed zfs* zookeeper zram*
`)

// isKnown reports whether a unit is, by its name, one of those.
func isKnown(unit string) bool {
	stem, _ := splitUnit(unit)
	stem, _, _ = strings.Cut(stem, "@")
	return slices.ContainsFunc(known, func(name string) bool {
		matches, _ := path.Match(name, stem)
		return matches
	})
}

// isBrought reports whether the host gets the unit as a file, or has it but for a
// mask or a drop-in of ours.
func (r *resolver) isBrought(unit string) bool {
	if slices.Contains(r.intent.Manifest.Masks, schema.UnitName(unit)) {
		return true
	}
	for _, file := range r.intent.Manifest.Files {
		dir, base := path.Split(file.Path)
		if base == unit && strings.HasSuffix(dir, "/systemd/system/") || strings.HasSuffix(dir, "/systemd/system/"+unit+".d/") {
			return true
		}
	}
	return false
}
