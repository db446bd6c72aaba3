#!/bin/bash
# SPDX-License-Identifier: MIT
# A task that forks, calls setsid, forks twice more and sleeps: nothing of it is left a second
# after it was cancelled, timed out, or crashed.
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99
cat >"$dir/conf" <<END
[pool default]
workers = 2
grace = 200ms
END
start_daemon --config "$dir/conf" --plugin "$test_plugins/crash.so"

# The command's way: as bad as a shell can be.  It writes the pid of its farthest descendant.
cat >"$dir/bad.sh" <<'END'
trap '' TERM HUP INT
setsid sh -c "trap '' TERM HUP INT; (sh -c 'trap \"\" TERM HUP INT; echo \$\$ >$1; sleep 1000; :' &) ; :" &
sleep 1000
:
END

there() { [ -s "$dir/pid" ]; }
gone() { ! kill -0 "$(cat "$dir/pid")" 2>/dev/null || grep -q '^State:.Z' "/proc/$(cat "$dir/pid")/status" 2>/dev/null; }
# check_gone WHAT: the orphan has gone within a second, or some more on a busy machine
check_gone() {
	local i
	for ((i = 0; i < 1000; i++)); do gone && break; sleep 0.01; done
	[ $i -lt 1000 ]
	pass_or_fail $? "$1: nothing is left a moment later"
}
start() { # COMMAND...
	rm -f "$dir/pid"
	background "$@"
	wait_for there
}

start "$ruche" call test.orphan "$dir/pid"
kill -INT "$background"
wait "$background" 2>/dev/null
check_gone 'a function that was cancelled'

rm -f "$dir/pid"
check_status 'a function runs into its timeout' 124 "$ruche" call --timeout 0.3 test.orphan "$dir/pid"
check_gone 'a function that timed out'

rm -f "$dir/pid"
check_status 'a function crashes' 1 "$ruche" call crash.orphan_die "$dir/pid"
check_gone 'a function that crashed'

start "$ruche" run -- sh "$dir/bad.sh" "$dir/pid"
kill -INT "$background"
wait "$background" 2>/dev/null
check_gone 'a command that was cancelled'

rm -f "$dir/pid"
check_status 'a command runs into its timeout' 124 "$ruche" run --timeout 0.3 -- sh "$dir/bad.sh" "$dir/pid"
check_gone 'a command that timed out'

start "$ruche" run -- sh "$dir/bad.sh" "$dir/pid"
pkill -KILL -P "$daemon" -x ruche-worker
wait "$background" 2>/dev/null
check_gone 'a command whose worker was killed'

start "$ruche" run -- sh "$dir/bad.sh" "$dir/pid"
kill -KILL "$background"
wait "$background" 2>/dev/null
check_gone 'a command whose caller was killed'
check 'all workers are there' wait_for all_idle
finish
