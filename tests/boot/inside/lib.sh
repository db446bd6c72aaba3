# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What a test inside begins with.  It claims with the words of tests/system/claims.sh, starts units, and ends with
# `finish`, which stops all, takes back what was configured, and looks whether anything is left.
set -u
. /ruche-boot/claims.sh
dir=$(mktemp -d /tmp/ruche-test.XXXXXX)
chmod 755 "$dir"
sock=/run/ruche/ruche.sock
etc=/usr/local/etc/ruche
bin=/ruche-boot/bin
plugins=/ruche-boot/plugins
cd /

# show UNIT PROPERTY
show() { systemctl show "$1" -p "$2" --value; }
pid_of() { show "$1" MainPID; }
is_active() { systemctl -q is-active "$1"; }

# drop_in UNIT: its stdin, until the end of the test; again for the same unit: in place of that
drop_in() {
	mkdir -p "/run/systemd/system/$1.d" && cat >"/run/systemd/system/$1.d/test.conf" && systemctl daemon-reload
}

# configure NAME: its stdin is NAME.conf, until the end of the test
configure() { mkdir -p $etc && cat >"$etc/$1.conf"; }

# as USER COMMAND…: a name or number, in its own groups and no other
as() {
	local user=$1
	shift
	setpriv --reuid "$user" --regid "$user" --init-groups "$@"
}

# status_of KEY: of `ruche status`, the first of that name
status_of() { ruche status --json | grep -o "\"$1\": [^,}]*" | head -1 | cut -d' ' -f2; }

# is_restarted PID: another daemon is there, and answers
is_restarted() {
	local pid
	pid=$(pid_of ruched.service)
	[ "$pid" != 0 ] && [ "$pid" != "$1" ] && is_active ruched.service && ruche ping
}

# Processes of the service's user.
bees() { ps -o pid=,comm= -U ruche; }
none_left() { [ -z "$(bees)" ]; }

finish() {
	local status=0
	systemctl stop 'ruched*.socket' 'ruched*.service'
	check 'no process is left behind' wait_for none_left
	check_output 'nor a socket' '' find /run/ruche -mindepth 1
	check_output 'and no unit has failed' '' systemctl --failed --no-legend --plain
	[ "$failures" -eq 0 ] || {
		status=1
		journalctl -b --no-pager -o short-monotonic -n 60 -u 'ruched*' | sed 's/^/# /'
	}
	rm -rf /run/systemd/system/ruched*.d $etc/*.conf $etc/*.d "$dir"
	systemctl daemon-reload
	systemctl reset-failed
	echo "1..$checks"
	exit $status
}
