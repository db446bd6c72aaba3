#!/bin/bash
# SPDX-License-Identifier: MIT
# Tasks that are processes of their own, beside the pool's workers.
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99
process=$top_builddir/tests/system/process

cat >"$dir/conf" <<END
[daemon]
stop_grace = 300ms
[limits]
processes = 24
user_running = 40
quarantine_after = 0
[pool default]
plugin = $RUCHE_PLUGIN_DIR/tutorial.so
plugin = $test_plugins/crash.so
plugin = $test_plugins/nested.so
workers = 1
grace = 300ms
[pool second]
plugin = $RUCHE_PLUGIN_DIR/tutorial.so
plugin = $test_plugins/crash.so
workers = 2
grace = 10min
END
start_daemon --config "$dir/conf"

# claims COMMAND…: it states its own, as "ok - CLAIM"; and that it comes to its end
claims() {
	local line
	while read -r line; do
		case $line in
		'ok - '*) pass_or_fail 0 "${line#*- }" ;;
		'not ok - '*) pass_or_fail 1 "${line#*- }" ;;
		*) echo "# $line" ;;
		esac
	done < <("$@" 2>&1; echo "status $?" >"$dir/status")
	check_output "all of: $(basename "$1") ${*: -1}" 'status 0' cat "$dir/status"
}
claims "$PYTHON3" "$top_srcdir/tests/system/process.py" "$sock" "$dir" "$process"
claims "$process" "$sock" tutorial
claims "$process" "$sock" ends
claims "$process" "$sock" closed

# ---- its client is killed --------------------------------------------------------------------

three() { [ "$(status_of workers total)" = 3 ] && all_idle; }
four() { [ "$(status_of workers total)" = 4 ]; }
check 'no worker is left' wait_for three
"$process" "$sock" lost "until [ -e $dir/go ]; do sleep 0.01; done; kill -KILL \$PPID" >/dev/null 2>&1 &
client=$!
wait_for four
: >"$dir/go"
wait "$client" 2>/dev/null
check 'a client that is killed takes its process with it' wait_for three

[ "$daemon" -gt 1 ] || exit 99
claims "$process" "$sock" lost "kill -TERM $daemon; while kill -0 $daemon; do sleep 0.01; done 2>/dev/null"
wait "$daemon"
daemon=0
start_daemon --config "$dir/conf"
finish
