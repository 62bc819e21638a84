package lab

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

const debianKeyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

// aptSources returns the sources for building a release's root: those that this machine has Debian itself from, so that
// a mirror or a proxy set up here is used. A machine without any (an Ubuntu, or before its first `apt-get update`) gets
// Debian's own.
func aptSources(release Release) []string {
	out, err := exec.Command("apt-get", "indextargets",
		"--format", "$(ORIGIN) $(RELEASE) $(COMPONENT) $(REPO_URI)", "Created-By: Packages").Output()
	if err == nil {
		if sources := debianSources(string(out), release); len(sources) > 0 {
			return sources
		}
	}
	return debianSources(`Debian stable main http://deb.debian.org/debian
Debian stable-updates main http://deb.debian.org/debian
Debian stable-security main http://deb.debian.org/debian-security`, release)
}

// debianSources turns lines of origin, suite, component and address into sources for a release. Suites other than the
// release itself, its updates and its security fixes are left out. No release suite: no sources at all.
func debianSources(targets string, release Release) []string {
	var sources []string
	complete := false
	for line := range strings.Lines(targets) {
		f := strings.Fields(line)
		if len(f) != 4 || f[0] != "Debian" || f[2] != "main" || !strings.HasPrefix(f[3], "http") {
			continue
		}
		_, suffix, _ := strings.Cut(f[1], "-")
		if suffix != "" && suffix != "updates" && suffix != "security" {
			continue
		}
		complete = complete || suffix == ""
		suite := strings.TrimSuffix(string(release)+"-"+suffix, "-")
		source := fmt.Sprintf("deb %s%s %s main", signedBy(), f[3], suite)
		if !slices.Contains(sources, source) {
			sources = append(sources, source)
		}
	}
	if !complete {
		return nil
	}
	return sources
}

// signedBy names Debian's keys in a source line. Where their package is missing, apt's trusted keys have to do.
func signedBy() string {
	if _, err := os.Stat(debianKeyring); err != nil {
		return ""
	}
	return "[signed-by=" + debianKeyring + "] "
}

// aptOptions returns those settings of this machine's apt that decide how packages are fetched: proxies, retries,
// clocks. mmdebstrap looks at none of the machine's settings by itself.
func aptOptions() []string {
	out, err := exec.Command("apt-config", "dump").Output()
	if err != nil {
		return nil
	}
	var options []string
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSpace(line)
		name, value, _ := strings.Cut(line, " ")
		for _, prefix := range []string{"Acquire::http", "Acquire::https", "Acquire::Check-", "Acquire::Retries", "Acquire::ForceIPv"} {
			if strings.HasPrefix(name, prefix) && value != `"";` {
				options = append(options, line)
				break
			}
		}
	}
	return options
}
