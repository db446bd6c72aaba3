#!/bin/bash
# SPDX-License-Identifier: MIT
# Processes that hold, wait for, put and get what belongs to the daemon are killed at random moments: nobody else notices.
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99
kills=${RUCHE_TEST_KILLS:-1000}
[ -z "${RUCHE_TEST_VALGRIND:-}" ] || kills=200

# in KiB
memory() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$daemon/status"; }

printf '[pool default]\nworkers = 2\ngrace = 20ms\n' >"$dir/conf"
start_daemon --config "$dir/conf" --plugin "$test_plugins/objects.so"
"$ruche" call cube 3 >/dev/null
before=$(descriptors "$daemon")
"$top_builddir/tests/system/deaths" "$sock" 100 >"$dir/first" 2>&1 # what it will keep for later it has now
small=$(memory)
check_output "$kills are killed: nobody waits for ever, no item is lost or doubled, what was held is free" good \
	"$top_builddir/tests/system/deaths" "$sock" "$kills"
sed 's/^/# /' "$dir/stderr"
same_descriptors() { [ "$(descriptors "$daemon")" -eq "$before" ]; }
check 'no descriptor is left open' wait_for same_descriptors
alone() { [ "$(status_of clients)" = 1 ]; }
check 'nor a connection' wait_for alone
objects() {
	"$PYTHON3" -B -c '
import sys
sys.path.insert(0, sys.argv[1])
import rpc
print(rpc.Client(sys.argv[2]).good("ruche.objects"))' "$top_srcdir/tests/system" "$sock"
}
check_output 'nor an object' '[]' objects
grown=$(($(memory) - small))
echo "# its memory has grown by $grown KiB"
[ -z "${RUCHE_TEST_VALGRIND:-}${ASAN_OPTIONS:-}" ] && # these keep what was freed, and look for leaks themselves
	check 'nor memory' test $grown -lt 2048

# ---- the same while the daemon is replaced, again and again
if [ -z "${RUCHE_TEST_VALGRIND:-}" ]; then # which is slow to start
	upgrades() {
		while sleep 0.1 && [ -e "$dir/first" ]; do "$ruche" upgrade >>"$dir/upgrades" 2>&1 || echo failed >>"$dir/upgrades"; done
	}
	upgrades &
	upgrading=$!
	check_output 'upgrades meanwhile change nothing' good \
		"$top_builddir/tests/system/deaths" "$sock" $((kills / 2))
	sed 's/^/# /' "$dir/stderr"
	rm "$dir/first"
	wait $upgrading
	check 'there were some' test "$(status_of upgrades)" -gt 0
	check 'none of which failed' bash -c "! grep . '$dir/upgrades'"
	check 'no descriptor is left open' wait_for same_descriptors
	check_output 'nor an object' '[]' objects
fi

# ---- tasks that have objects, one after the other
rounds=${RUCHE_TEST_ROUNDS:-20}
[ -z "${RUCHE_TEST_VALGRIND:-}" ] || rounds=2
check_output 'what a task has is free when it ends, well or not' good \
	"$top_builddir/tests/system/deaths_tasks" "$sock" "$rounds"
kill -KILL "$(worker_pid 0)" "$(worker_pid 1)" # they may have kept a connection
no_objects() { [ "$(objects)" = '[]' ]; }
check 'with the workers goes what they have kept' wait_for no_objects
check 'no descriptor is left open' wait_for same_descriptors
check 'the workers are as before' wait_for all_idle
check_output 'and work' 27 "$ruche" call cube 3
finish
