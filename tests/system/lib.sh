# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# What every system test begins with: a private place, the programs of this build, and
# words to say what is expected.  A test is a bash script that sources this, starts a daemon
# with start_daemon, states claims with check and its kin, and ends with finish.

set -u
top_srcdir=$(cd "${top_srcdir:-.}" && pwd)
top_builddir=$(cd "${top_builddir:-.}" && pwd)
PYTHON3=${PYTHON3:-/usr/bin/python3}

. "$top_srcdir/tests/trusted.sh"

dir=$(mktemp -d "${TMPDIR:-/tmp}/ruche-test.XXXXXX")
sock=$dir/ruche.sock
daemon_log=$dir/daemon.log
daemon=0
. "$top_srcdir/tests/system/claims.sh"

# Every process that a test starts carries this in its environment.
export RUCHE_TEST_MARK="mark-$$-$RANDOM"
export RUCHE_SOCKET=$sock
export RUCHE_DAEMON=${RUCHE_DAEMON:-$top_builddir/ruched}
export RUCHE_FORKSERVER=${RUCHE_FORKSERVER:-$top_builddir/ruche-forkserver}
export RUCHE_PLUGIN_DIR=$top_builddir/contrib/plugins/.libs
test_plugins=$top_builddir/tests/plugins/.libs
ruche=$top_builddir/ruche
# The program itself: libtool's script before it costs ten times as much, at each of a thousand calls.
[ ! -x "$top_builddir/.libs/ruche" ] || {
	ruche=$top_builddir/.libs/ruche
	export LD_LIBRARY_PATH=$top_builddir/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
}
unset XDG_RUNTIME_DIR
export RUCHE_CONFIG= # none but what a test names

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

# field KEY…: of the JSON on stdin, as the first of that name behind the one before.  What is waited
# for is asked again and again, so no other program is started for it.
field() {
	local text key
	text=$(</dev/stdin)
	for key; do
		case $text in *"\"$key\": "*) text=${text#*"\"$key\": "} ;; *) return 1 ;; esac
	done
	text=${text%%[,\}]*}
	text=${text#\"}
	echo "${text%\"}"
}

# status_of KEY…
status_of() {
	"$ruche" status --json | field "$@"
}

all_idle() {
	local status
	status=$("$ruche" status --json) &&
		[ "$(field workers idle <<<"$status")" = "$(field workers total <<<"$status")" ]
}

# worker_pid N: nothing if it has none now
worker_pid() {
	local pid
	pid=$("$ruche" workers --json | sed 's/}, {"pool"/\n&/g' | sed -n "$(($1 + 1))p" | field pid)
	[ "$pid" = null ] || echo "$pid"
}

# descriptors PID: how many it has open, once that has been the same ten times running (the
# daemon closes a connection a moment after the client did)
descriptors() {
	local last=-1 now same=0
	while [ $same -lt 10 ]; do
		now=("/proc/$1/fd"/*)
		[ ${#now[@]} -eq "$last" ] && same=$((same + 1)) || same=0
		last=${#now[@]}
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
