#!/bin/bash
# SPDX-License-Identifier: MIT
# Every way to die costs one task, whose caller is told what happened.
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99
start_daemon --plugin "$test_plugins/crash.so"

# crash FUNCTION ARGS EXPECTED-KEY EXPECTED-VALUE: what the error says
crash() {
	local claim=$1 function=$2 args=$3 expect=$4
	"$ruche" call --json "$function" $args >"$dir/stdout" 2>"$dir/stderr"
	[ $? -eq 1 ] && grep -Eq "$expect" "$dir/stdout" "$dir/stderr"
	local status=$?
	[ $status -eq 0 ] || sed 's/^/# /' "$dir/stdout" "$dir/stderr"
	pass_or_fail $status "$claim"
}

crash 'a segmentation fault' crash.segv '' '"signal": 11'
crash 'abort' crash.abort '' '"signal": 6'
crash 'exit with a status' crash.exit 3 '"exit_status": 3'
crash 'exit with success is a crash too' crash.exit 0 '"exit_status": 0'
crash 'stack overflow' crash.stack '' '"signal": 11'
crash 'kill -9' crash.kill '' '"signal": 9'
crash 'out of memory' crash.oom '' '"code": "crashed"'
crash 'the last lines of stderr are told' crash.stderr 'the-last-words' '"output": "[^"]*the-last-words'
crash 'half an answer and death' crash.half '' '"code": "crashed"'
# Its answer counts if it came behind the garbage before the worker was killed.
"$ruche" call crash.garbage >/dev/null 2>&1
check 'garbage beside the answer: its worker is killed' \
	grep -q 'is killed: a message must be an array' "$daemon_log"
crash 'peak memory is told' crash.segv '' '"peak_memory": [1-9][0-9]{5}'
crash 'it says that it may have been executed' crash.segv '' '"executed": "maybe"'
check_status 'an answer and another one: the first counts' 0 "$ruche" call crash.twice 1
check_status 'descriptors closed: the result was made' 0 "$ruche" call crash.close
wait_for all_idle
check 'every worker is back' test "$(status_of workers idle)" = "$(status_of workers total)"
check_output 'and works' 27 "$ruche" call cube 3

# A neighbour's task on the other worker is not disturbed.
"$ruche" call sleep 1 >"$dir/neighbour" 2>&1 &
neighbour=$!
one_runs() { [ "$(status_of running)" = 1 ]; }
wait_for one_runs
for _ in 1 2 3 4 5; do "$ruche" call crash.segv 2>/dev/null; done
check 'a neighbour notices nothing' wait "$neighbour"

# What had been handed ahead to the worker that crashed is run by another, once.
cat >"$dir/ahead.py" <<'PY'
import socket, sys
import msgpack
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
calls = [[0, 1, "sleep", [0.3]], [0, 2, "crash.kill", []]]
calls += [[0, 3 + i, "test.journal", [sys.argv[2], str(i)]] for i in range(100)]
calls += [[0, 103, "crash.kill", []]] + [[0, 104, "cube", [3]]]
s.sendall(b"".join(map(msgpack.packb, calls)))
unpacker, codes = msgpack.Unpacker(), {}
while len(codes) < 104:
    unpacker.feed(s.recv(65536))
    for _, msgid, error, _ in unpacker:
        assert msgid not in codes, msgid
        codes[msgid] = error["code"] if error else "done"
crashed = sorted(m for m, c in codes.items() if c == "crashed")
lines = sorted(map(int, open(sys.argv[2]).read().split()))
print(crashed, lines == list(range(100)), codes[104])
PY
check_output 'a crash among tasks handed ahead costs one task' '[2, 103] True done' \
	"$PYTHON3" "$dir/ahead.py" "$sock" "$dir/ahead.journal"

# The next worker stands by; nothing depends on it.
if [ -z "${RUCHE_TEST_VALGRIND:-}" ]; then # there it has another name
	next() { pgrep -P "$daemon" -x ruche-next >"$dir/next"; }
	check 'the next worker is forked before it is needed' wait_for next
	kill -KILL "$(cat "$dir/next")"
	gone() { ! next; }
	check 'and may be killed' wait_for gone
	crash 'a worker crashes without one' crash.kill '' '"signal": 9'
	check 'and is replaced' wait_for all_idle
	check 'as is the one that stands by' wait_for next
	kill -STOP "$(cat "$dir/next")"
	crash 'a worker crashes when it is stopped' crash.kill '' '"signal": 9'
	check_output 'the other worker goes on' 27 "$ruche" call cube 3
	kill -CONT "$(cat "$dir/next")"
	check 'until it goes on too' wait_for all_idle
fi

# No process of a task survives it, whatever it did to hide.
for how in crash.orphan crash.orphan_die; do
	rm -f "$dir/pid"
	"$ruche" call $how "$dir/pid" >/dev/null 2>&1
	wait_for test -s "$dir/pid"
	orphan=$(cat "$dir/pid")
	gone() { ! kill -0 "$orphan" 2>/dev/null || grep -q '^State:.Z' "/proc/$orphan/status"; }
	wait_for gone
	pass_or_fail $? "a grandchild in a session of its own is gone after $how"
done
cat >"$dir/left.py" <<'PY'
import sys
import rpc
client, seen = rpc.Client(sys.argv[1]), 0
for _ in range(100):
    first, second = client.send("test.leave"), client.send("test.children")
    assert client.wait(first)[0] is None
    seen += client.wait(second)[1]
print(seen)
PY
[ -n "${RUCHE_TEST_VALGRIND:-}" ] || # it has no such processes
	check_output 'and the next task does not see it' 0 \
		env PYTHONPATH="$top_srcdir/tests/system" "$PYTHON3" -B "$dir/left.py" "$sock"

stop_daemon

# Before all pools have loaded their code: nobody is answered then.
mkfifo "$dir/go"
printf '#!/bin/sh\nread -r _ <"%s"\nexec "%s" "$@"\n' "$dir/go" "$RUCHE_FORKSERVER" >"$dir/slow"
chmod +x "$dir/slow"
printf '[pool default]\nworkers = 1\n[pool slow]\nworkers = 1\nruntime = %s\n' "$dir/slow" >"$dir/conf"
"$RUCHE_DAEMON" --socket "$sock" --config "$dir/conf" >>"$daemon_log" 2>&1 &
daemon=$!
worker_of_default() {
	worker=$(pgrep -P "$daemon" ruche-worker | head -n 1)
	[ -n "$worker" ]
}
if wait_for worker_of_default; then
	kill -KILL "$worker"
	has_gone() { ! kill -0 "$worker" 2>/dev/null; }
	wait_for has_gone
fi
echo go >"$dir/go"
check_output 'a worker that dies while another pool still loads is replaced' 27 "$ruche" call --timeout 20 --expires 20 cube 3
finish
