#!/bin/bash
# SPDX-License-Identifier: MIT
# Tasks that call the daemon themselves, on two workers.
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99
nested=$test_plugins/nested.so
start_daemon --workers 2 --plugin "$nested"

check_output 'recursion 100 deep on two workers' 100 "$ruche" call nested.deep 100
check_output 'a tree of calls' 127 "$ruche" call nested.tree 6
two_workers() { [ "$(status_of workers total)" = 2 ] && all_idle; }
check 'the workers that took their places leave' wait_for two_workers
ruche_in_ruche() { # DEPTH
	local command=(echo deep)
	local i
	for ((i = 0; i < $1; i++)); do command=("$ruche" run -- "${command[@]}"); done
	"${command[@]}"
}
check_output 'commands in commands' deep ruche_in_ruche 10
check_output 'a call by a command finds its own daemon' 27 \
	env RUCHE_SOCKET=/nowhere "$ruche" --socket "$sock" run -- "$ruche" call cube 3
check_output 'a private daemon as well' 20 "$ruche" --private --workers 2 --plugin "$nested" call nested.deep 20

# ---- the parent goes -------------------------------------------------------------------

rests() { # HOW-MANY SLEEPS
	local running
	running=$("$ruche" workers --json | grep -oE '"function": "(nested.rest|sleep)"')
	[ "$(grep -c rest <<<"$running")" = "$1" ] && [ "$(grep -c sleep <<<"$running")" = "$2" ]
}
background "$ruche" call nested.rest 5
wait_for rests 5 1
check 'a chain of calls: each waiting worker lends its place' rests 5 1
kill -INT "$background"
wait "$background" 2>/dev/null
check 'cancelling the first ends them all' wait_for rests 0 0
check 'and the workers are two again' wait_for two_workers

"$ruche" call nested.rest 3 >/dev/null 2>&1 &
wait_for rests 3 1
top=$("$ruche" workers --json | "$PYTHON3" -c '
import json, sys
print(max((w for w in json.load(sys.stdin) if w["function"] == "nested.rest"), key=lambda w: w["running_for"])["pid"])')
kill -KILL "$top"
wait $!
check_output 'the death of the first ends them all, too' 1 echo $?
check 'nothing of it goes on' wait_for rests 0 0
check 'the workers are two again' wait_for two_workers

# ---- what a function closes, and returns ------------------------------------------------

check_output 'twenty functions close what they have opened' 20 \
	bash -c "seq -f lock%g 20 | '$ruche' map --chunk 1 nested.last_act | wc -l"
no_objects() { [ -z "$("$ruche" objects --names)" ]; }
check 'and it is closed, also if that is read when they have ended' wait_for no_objects

# ---- too deep ----------------------------------------------------------------------------

printf '[limits]\nnested = 3\n' >"$dir/conf"
stop_daemon
start_daemon --config "$dir/conf" --workers 2 --plugin "$nested"
check_output 'as deep as there are workers for' 3 "$ruche" call nested.deep 3
check_status 'deeper is an error, and nobody waits for ever' 1 timeout 20 "$ruche" call nested.deep 10
check_said 'which says why' 'busy: too many workers wait for calls of their own'
check_output 'it still works' 27 "$ruche" call cube 3
finish
