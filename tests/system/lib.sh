# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What every system test begins with: a private place, the programs of this build, and
# words to say what is expected.  A test is a bash script that sources this, starts a daemon
# with start_daemon, states claims with check and its kin, and ends with finish.

set -u
top_srcdir=$(cd "${top_srcdir:-.}" && pwd)
top_builddir=$(cd "${top_builddir:-.}" && pwd)
PYTHON3=${PYTHON3:-/usr/bin/python3}

dir=$(mktemp -d "${TMPDIR:-/tmp}/ruche-test.XXXXXX")
sock=$dir/ruche.sock
daemon_log=$dir/daemon.log
daemon=0
checks=0 failures=0

# Every process that a test starts carries this in its environment.
export RUCHE_TEST_MARK="mark-$$-$RANDOM"
export RUCHE_SOCKET=$sock
export RUCHE_DAEMON=${RUCHE_DAEMON:-$top_builddir/ruched}
export RUCHE_FORKSERVER=${RUCHE_FORKSERVER:-$top_builddir/ruche-forkserver}
export RUCHE_PLUGIN_DIR=$top_builddir/contrib/plugins/.libs
test_plugins=$top_builddir/tests/plugins/.libs
ruche=$top_builddir/ruche
unset XDG_RUNTIME_DIR
export RUCHE_CONFIG= # none but what a test names

# ---- claims ---------------------------------------------------------------------------

# pass_or_fail STATUS CLAIM
pass_or_fail() {
	checks=$((checks + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $checks - $2"
	else
		echo "not ok $checks - $2"
		failures=$((failures + 1))
	fi
}

# check CLAIM COMMAND…: the command succeeds
check() {
	local claim=$1 status=0
	shift
	"$@" || status=$?
	pass_or_fail "$status" "$claim"
}

# check_output CLAIM EXPECTED COMMAND…: the command prints exactly this
check_output() {
	local claim=$1 expected=$2 got
	shift 2
	got=$("$@" 2>"$dir/stderr")
	[ "$got" = "$expected" ] || {
		echo "# expected: $expected"
		echo "# got:      $got"
		sed 's/^/# stderr:   /' "$dir/stderr"
	}
	[ "$got" = "$expected" ]
	pass_or_fail $? "$claim"
}

# check_status CLAIM STATUS COMMAND…: the command exits with this; its output is in
# $dir/stdout and $dir/stderr
check_status() {
	local claim=$1 expected=$2 got=0
	shift 2
	"$@" >"$dir/stdout" 2>"$dir/stderr" || got=$?
	[ "$got" -eq "$expected" ] || {
		echo "# status $got instead of $expected"
		sed 's/^/# /' "$dir/stdout" "$dir/stderr"
	}
	[ "$got" -eq "$expected" ]
	pass_or_fail $? "$claim"
}

# check_said CLAIM PATTERN: the stderr of the last check_status matches
check_said() {
	grep -Eq -- "$2" "$dir/stderr" || sed 's/^/# said: /' "$dir/stderr"
	grep -Eq -- "$2" "$dir/stderr"
	pass_or_fail $? "$1"
}

# wait_for COMMAND…: until it succeeds, at most 20 seconds
wait_for() {
	local i
	for ((i = 0; i < 2000; i++)); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.01
	done
	echo "# waited in vain for: $*"
	return 1
}

# background COMMAND…: with the signals of a foreground job, which a plain & would take
# away; its pid is in $background
background() {
	set -m
	"$@" &
	background=$!
	set +m
}

# ---- the daemon -----------------------------------------------------------------------

# start_daemon OPTION…: and wait until it answers
start_daemon() {
	"$RUCHE_DAEMON" --socket "$sock" "$@" >>"$daemon_log" 2>&1 &
	daemon=$!
	wait_for "$ruche" ping && wait_for all_idle
}

stop_daemon() {
	local status=0
	[ "$daemon" -ne 0 ] || return 0
	kill -TERM "$daemon" 2>/dev/null
	wait "$daemon" || status=$?
	daemon=0
	return "$status"
}

# field of `ruche status --json`, by a path of keys
status_of() {
	"$ruche" status --json | "$PYTHON3" -c '
import json, sys
value = json.load(sys.stdin)
for key in sys.argv[1:]:
    value = value[key]
print(value)' "$@"
}

all_idle() {
	[ "$(status_of workers idle)" = "$(status_of workers total)" ]
}

# worker_pid N
worker_pid() {
	"$ruche" workers --json | "$PYTHON3" -c '
import json, sys
print(json.load(sys.stdin)[int(sys.argv[1])]["pid"] or "")' "$1"
}

# descriptors PID: how many it has open, once that has been the same ten times running (the
# daemon closes a connection a moment after the client did)
descriptors() {
	local last=-1 now same=0
	while [ $same -lt 10 ]; do
		now=$(find "/proc/$1/fd" -type l | wc -l)
		[ "$now" -eq "$last" ] && same=$((same + 1)) || same=0
		last=$now
		sleep 0.01
	done
	echo "$last"
}

# ---- what is left behind ----------------------------------------------------------------

# Processes that this test started, directly or not, and that are no longer below it.
marked() {
	"$PYTHON3" "$top_srcdir/tests/system/marked.py" $$
}

nothing_left() {
	local left
	left=$(marked | wc -l)
	[ "$left" -eq 0 ]
}

finish() {
	local status=0
	if [ "$daemon" -ne 0 ]; then
		stop_daemon
		pass_or_fail $? 'the daemon ends well'
		wait_for nothing_left
		pass_or_fail $? 'no process is left behind'
		[ ! -e "$sock" ]
		pass_or_fail $? 'the socket is removed'
	fi
	if grep -qE 'ERROR: (Address|Leak)Sanitizer|runtime error|^==[0-9]+== (Invalid|.*definitely lost: [1-9])|Assertion' "$daemon_log" 2>/dev/null; then
		sed 's/^/# /' "$daemon_log"
		pass_or_fail 1 'the daemon makes no fault that a checker sees'
	fi
	[ "$failures" -eq 0 ] || { status=1; sed 's/^/# daemon: /' "$daemon_log" 2>/dev/null; }
	rm -rf "$dir"
	echo "1..$checks"
	exit "$status"
}

on_exit() {
	local p
	[ "$daemon" -eq 0 ] || kill -KILL "$daemon" 2>/dev/null
	for p in $(marked); do kill -KILL "$p" 2>/dev/null; done
	rm -rf "$dir"
}
trap on_exit EXIT
