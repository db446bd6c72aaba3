#!/bin/bash
# SPDX-License-Identifier: MIT
# A worker stands by, and takes the place of the next one that dies.  Whoever dies when: nothing of it stays behind.
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99
[ -z "${RUCHE_TEST_VALGRIND:-}" ] || {
	echo 'skipped: there nobody has the names that tell who stands by'
	exit 77
}
printf '[limits]\nquarantine_after = 0\n' >"$dir/conf"
start_daemon --config "$dir/conf" --workers 2 --plugin "$test_plugins/crash.so"
crash() { "$ruche" call "$@" >/dev/null 2>&1; }
next() { pgrep -P "$daemon" -x ruche-next; }
# One, and no more: pgrep(1) prints a line for each.
stands_by() {
	standby=$(next) && [ "$(wc -l <<<"$standby")" -eq 1 ]
}
forkserver() { status_of forkserver pid; }
is_worker() { "$ruche" workers --json | grep -q "\"pid\": $1,"; }
works() { [ "$("$ruche" call cube 3)" = 27 ]; }
all_well() { wait_for all_idle && wait_for stands_by && works; }
left_behind() { grep -c 'left behind' "$daemon_log" || true; }
nothing_stays() { [ "$(descriptors "$daemon")" = "$open" ]; }

check 'a worker stands by' wait_for stands_by
open=$(descriptors "$daemon")
crash crash.kill
check 'it takes the place of one that dies' wait_for is_worker "$standby"
check 'and there is another' all_well

for _ in $(seq 40); do crash crash.segv; done
check 'forty deaths in a row, faster than workers come to stand by' all_well
check 'leave no descriptor' wait_for nothing_stays

crash sleep 60 &
lost=($!)
crash sleep 60 &
lost+=($!)
two_run() { [ "$(status_of running)" = 2 ]; }
wait_for two_run
kill -KILL "$(worker_pid 0)" "$(worker_pid 1)"
wait "${lost[@]}"
check 'two at once, for whom there is one' all_well
check 'leave no descriptor' wait_for nothing_stays

# Before its order, with it, or after it.
for i in $(seq 30); do
	wait_for stands_by
	case $((i % 3)) in
	0) kill -KILL "$standby" && crash crash.kill ;;
	1) crash crash.kill & kill -KILL "$standby"; wait $! ;;
	2) crash crash.kill; kill -KILL "$standby" ;;
	esac
	crash crash.kill
done 2>/dev/null
check 'who stands by may be killed at any time' all_well
check 'and leaves no descriptor' wait_for nothing_stays

# The fork server is not needed for the next one.
kill -STOP "$(forkserver)"
crash crash.kill
check 'a worker is replaced while the fork server is stopped' wait_for works
kill -CONT "$(forkserver)"
check 'which makes another when it goes on' all_well
check_output 'nobody was taken for what a worker has left behind' 0 left_behind

# Nor does it keep anything waiting when it was asked for one and is then superseded.
kill -STOP "$(forkserver)"
stopped=$(forkserver)
crash crash.kill
sleep 0.1 # by now it has been asked
"$ruche" reload
check 'a fork server that is stopped is superseded' wait_for all_idle
check 'the daemon can be upgraded meanwhile' timeout 20 "$ruche" upgrade
kill -CONT "$stopped"
check 'and all goes on' all_well

old=$standby
kill -KILL "$(forkserver)"
another() { stands_by && [ "$standby" != "$old" ]; }
check 'a new fork server has its own' wait_for another
check 'and all goes on' all_well
check 'without a descriptor of the former' wait_for nothing_stays
for _ in $(seq 10); do
	crash crash.kill
	kill -KILL "$(forkserver)"
done 2>/dev/null
check 'fork servers that die when they are asked for one' all_well
check 'leave no descriptor' wait_for nothing_stays
orphans=$(left_behind) # whom they had just made

check_renewal() {
	old=$standby
	"$ruche" "$1"
	check "who stands by is another after: $1" wait_for another
	check 'and the only one' all_well
	check 'no descriptor of the other is left' wait_for nothing_stays
}
check_renewal reload
for _ in $(seq 5); do
	"$ruche" reload &
	crash crash.kill
	wait $!
done
check 'reloads while workers die' all_well
check 'leave no descriptor' wait_for nothing_stays

check_renewal upgrade
for _ in $(seq 5); do
	crash crash.kill
	"$ruche" upgrade
	crash crash.kill
done
check 'upgrades while workers die' all_well
check 'leave no descriptor' wait_for nothing_stays
check_output 'nobody was taken for what a worker has left behind meanwhile' "$orphans" left_behind

wait_for stands_by
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null
daemon=0
check 'the daemon is killed: it ends too' wait_for nothing_left
finish
