#!/bin/bash
# SPDX-License-Identifier: MIT
# The main job, as README promises it.
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99
start_daemon

check_output 'the primes from 100000 to 300000 are counted' 16405 \
	"$ruche" call primes.count 100000 300000
check_output 'an integer of 69 bits arrives whole' 333333283333335000000 \
	"$ruche" call sum_squares 10000000
check_output 'cube' 27 "$ruche" call cube 3
check_output 'a negative cube beyond 64 bits' -1000000000000000000000000 \
	"$ruche" call cube -100000000
check_output 'map keeps the order of its input' '1 4 9 16 25 36 49 64 ' \
	bash -c "seq 1 8 | '$ruche' map square | tr '\n' ' '"
check_output 'echo gives back any value' '{"a": [1, 2.5, null, true, "x"]}' \
	"$ruche" call echo '{"a": [1, 2.5, null, true, "x"]}'
check_output 'a wide integer makes the round trip' 333333283333335000000 \
	"$ruche" call echo 333333283333335000000
check_output 'the functions of the tutorial plugin are listed' 'cube echo primes.count sleep square sum_squares ' \
	bash -c "'$ruche' functions | awk '/ tutorial.so / { printf \"%s \", \$1 }'"

check_status 'a command exits with its own status' 7 \
	"$ruche" run -- sh -c 'echo out; echo err >&2; exit 7'
check 'its stdout is its own' test "$(cat "$dir/stdout")" = out
check 'its stderr is its own' test "$(cat "$dir/stderr")" = err

check_status 'an unknown function is an error' 1 "$ruche" call nonsense
check_said 'that says what to do' 'functions'
check_status 'a wrong number of arguments is an error' 1 "$ruche" call cube 1 2
check_said 'that names the parameter' 'cube takes 1 argument'
check_status 'an argument of the wrong type is an error' 1 "$ruche" call cube '"x"'
check_said 'that names the argument' 'n must be an integer'
check_status 'another pool than the default one is not known' 1 "$ruche" call other/cube 1
check_output 'the default pool may be named' 8 "$ruche" call default/cube 2

wait_for all_idle
check_output 'every worker is pinned to one core' '1 1 ' \
	bash -c "for w in 0 1; do \"\$0\" workers --json | \"\$1\" -c '
import json, sys, os
w = json.load(sys.stdin)[int(sys.argv[1])]
a = os.sched_getaffinity(w[\"pid\"])
print(int(a == {w[\"core\"]}), end=\" \")' \$w; done" "$ruche" "$PYTHON3"
finish
