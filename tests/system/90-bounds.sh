#!/bin/bash
# SPDX-License-Identifier: MIT
# Clients that do not read, tasks behind long ones, and a daemon that sleeps when idle.
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99
start_daemon --plugin "$test_plugins/crash.so"

cat >"$dir/deaf.py" <<'PY'
"""A client that asks for much and never reads; an honest one beside it."""
import os, socket, sys, time
import msgpack

def connect():
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    return s

def memory():
    with open(f"/proc/{sys.argv[2]}/statm") as f:
        return int(f.read().split()[1]) * 4096

deaf, start = connect(), memory()
deaf.setblocking(False)
sent, refused, call = 0, 0, msgpack.packb([0, 1, "test.big", [100000]])
while refused < 50 and sent < 100000: # until the daemon has long stopped reading
    try:
        deaf.send(call)
        sent, refused = sent + 1, 0
    except BlockingIOError:
        refused += 1
        time.sleep(0.01)
honest, unpacker = connect(), msgpack.Unpacker()
for i in range(1000):
    honest.sendall(msgpack.packb([0, i, "cube", [i]]))
    while not (answers := list(unpacker)):
        unpacker.feed(honest.recv(65536))
    assert answers == [[1, i, None, i ** 3]], answers
grown = memory() - start
print("bounded" if grown < 1200 << 20 else f"grew by {grown}")
PY
check_output 'a client that never reads: memory is bounded and others are served' bounded \
	"$PYTHON3" "$dir/deaf.py" "$sock" "$daemon"
check 'its calls end with it' wait_for all_idle

# One worker in a long task, with short ones handed to it; the other falls idle.
# The long one ends only when the short ones are done, so if they waited it would be for ever.
cat >"$dir/short.py" <<'PY'
import socket, sys
import msgpack
s, unpacker = socket.socket(socket.AF_UNIX), msgpack.Unpacker()
s.connect(sys.argv[1])
s.settimeout(20)
for round in range(int(sys.argv[2])):
    calls = [[0, i, "cube", [i]] for i in range(40)]
    calls.insert(round % 41, [0, 99, "sleep", [1000]])
    s.sendall(b"".join(map(msgpack.packb, calls)))
    done = set()
    while len(done) < 40:
        unpacker.feed(s.recv(65536))
        done |= {msgid for _, msgid, _, _ in unpacker}
    assert 99 not in done
    s.sendall(msgpack.packb([2, "ruche.cancel", [99]]))
    answers = []
    while not answers:
        unpacker.feed(s.recv(65536))
        answers = [(msgid, error["code"] if error else None) for _, msgid, error, _ in unpacker]
    # Asked to stop, sleep() returns: that is a result, or it says that it was cancelled.
    assert answers[0][0] == 99, answers
print("all")
PY
check_output 'no short task waits behind a long one while a worker is idle' all \
	"$PYTHON3" "$dir/short.py" "$sock" 205

# Idle means idle (valgrind itself is not).
if command -v strace >/dev/null && [ -z "${RUCHE_TEST_VALGRIND:-}" ]; then
	wait_for all_idle
	idle=(-p "$daemon" -p "$(status_of forkserver pid)" -p "$(worker_pid 0)" -p "$(worker_pid 1)")
	for _ in 1 2 3; do # once more it looks whether the client of just now has gone
		timeout -s INT "${RUCHE_TEST_IDLE:-2}" strace -c -f -o "$dir/strace" "${idle[@]}" 2>"$dir/strace.err"
		calls=$(awk '$NF ~ /^[a-z_0-9]+$/ && $1 ~ /^[0-9.]+$/ && $NF != "total" { print $NF }' "$dir/strace" | tr '\n' ' ')
		case $calls in '' | 'epoll_wait ' | 'restart_syscall ') break ;; esac
	done
	if grep -q 'Operation not permitted' "$dir/strace.err"; then
		echo '# skipped: no permission to trace'
	else
		case $calls in '' | 'epoll_wait ' | 'restart_syscall ') true ;; *) echo "# $calls"; false ;; esac
		pass_or_fail $? 'an idle daemon makes no system call'
	fi
fi

# More clients than the daemon has room for are told so.
cat >"$dir/crowd.py" <<'PY'
import resource, socket, sys
import msgpack
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
crowd = []
for _ in range(1100):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20)
    s.connect(sys.argv[1])
    crowd.append(s)
said = msgpack.unpackb(crowd[-1].recv(65536))
print(said[1], said[2][0]["code"])
PY
check_output 'a client too many is told that the daemon is busy' 'ruche.error busy' \
	"$PYTHON3" "$dir/crowd.py" "$sock"
check_output 'when the crowd has gone all is as before' 27 "$ruche" call cube 3

# Private daemons leave with their client, however it goes.
check_output 'a private daemon' 27 "$ruche" --private call cube 3
"$ruche" --private call sleep 1007 2>/dev/null &
private=$!
ours() { private_daemon=$(pgrep -P "$private" -f -- '--session-fd'); }
wait_for ours
kill -KILL "$private"
wait "$private" 2>/dev/null
gone() { ! kill -0 "$private_daemon" 2>/dev/null; }
check 'is gone when its client is killed' wait_for gone
finish
