#!/bin/bash
# SPDX-License-Identifier: MIT
# Very many calls from 8 clients while workers, then the fork server, are killed.
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99
storm=$top_builddir/tests/system/storm
calls=${RUCHE_TEST_CALLS:-30000}
# Who is slow may see any number of deaths running without one success in between.
printf '[limits]\nquarantine_after = 0\n' >"$dir/conf"
start_daemon --config "$dir/conf" --plugin "$test_plugins/crash.so"
"$ruche" call cube 3 >/dev/null
before=$(descriptors "$daemon")

check 'calls while a worker is killed every 20 ms: each has one answer, none runs twice' \
	"$storm" "$sock" 8 "$calls" workers "$dir/journal"
check 'all workers are back' wait_for all_idle
rm -f "$dir/journal"
check 'the same while the fork server is killed' \
	"$storm" "$sock" 8 "$calls" forkserver "$dir/journal"
check 'all workers are there' wait_for all_idle
check 'the workers notice nothing of the death of the fork server' \
	test "$(status_of crashed)" -le "$(status_of restarts)"
same_descriptors() { [ "$(descriptors "$daemon")" -eq "$before" ]; }
check 'no descriptor more than at the start' wait_for same_descriptors
check_output 'it still works' 27 "$ruche" call cube 3
finish
