#!/bin/bash
# SPDX-License-Identifier: MIT
# Answers to tiny tasks, which a worker holds back for a moment: none waits for a long task behind it, none is lost.
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99
start_daemon --workers 2 --plugin "$test_plugins/crash.so"

cat >"$dir/held.py" <<'PY'
"""Tiny tasks and then a long one for each worker, in one write: all tiny ones are answered while those run."""
import socket, sys
import msgpack

TINY, ROUNDS = 60, int(sys.argv[2])
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.settimeout(20)
unpacker, number = msgpack.Unpacker(), 0

def ask(*calls):
    global number
    first = number + 1
    for method, params in calls:
        number += 1
        out.append(msgpack.packb([0, number, method, params]))
    s.sendall(b"".join(out))
    out.clear()
    return range(first, number + 1)

def wait_for(wanted):
    while not wanted <= set(got):
        unpacker.feed(s.recv(65536))
        for _, msgid, error, result in unpacker:
            assert msgid not in got, msgid
            got[msgid] = error["code"] if error else result

got, out = {}, []
for turn in range(ROUNDS):
    tiny = ask(*[("square", [i]) for i in range(TINY)])
    long = ask(("sleep", [1000]), ("sleep", [1000]))
    more = ask(*[("square", [i]) for i in range(turn % 3)]) # behind both
    wait_for(set(tiny))
    assert all(got[msgid] == i * i for i, msgid in enumerate(tiny)), got
    assert not set(long) & set(got)
    # What is to be stopped now may have been answered while it was asked for; then there is nothing to stop.
    stop = ask(("ruche.cancel", [long[0]]), ("ruche.cancel", [long[1]]), ("ruche.cancel", [tiny[-1]]))
    wait_for(set(long) | set(stop) | set(more))
    assert [got[msgid] for msgid in stop] == [True, True, False], got
    assert [got[msgid] for msgid in long] == ["cancelled", "cancelled"], got

# A function that writes rubbish, or an answer of its own: those before it have theirs, behind it one may be lost.
for turn in range(ROUNDS // 4):
    for bad in ("crash.garbage", []), ("test.mixed", [sys.argv[3], 1, "twice"]):
        before = ask(*[("square", [i]) for i in range(TINY // 3)])
        ask(bad)
        behind = ask(*[("cube", [i]) for i in range(TINY // 3)])
        wait_for(set(before) | set(behind))
        assert all(got[msgid] == i * i for i, msgid in enumerate(before)), [got[msgid] for msgid in before]
        lost = [got[msgid] for i, msgid in enumerate(behind) if got[msgid] != i ** 3]
        assert lost in ([], ["crashed"]), lost
    # Several of the second kind: the true answers come behind all of the false ones.
    twice = ask(*[("test.mixed", ["/dev/null", 1, "twice"])] * (2 + turn % 3))
    behind = ask(("sleep", [0.02]), ("cube", [3]))
    wait_for(set(twice) | set(behind))
    assert all(got[msgid] in (None, 1) for msgid in twice), [got[msgid] for msgid in twice]
    assert [got[msgid] for msgid in behind] == [None, 27], [got[msgid] for msgid in behind]
    ask(("ruche.release", ["cube"]), ("ruche.release", ["crash.garbage"]))
print("all of them")
PY
check_output 'tiny tasks do not wait for the long ones behind them' 'all of them' \
	"$PYTHON3" "$dir/held.py" "$sock" 40 "$dir/journal"

# By then tasks are known to be tiny; two long ones use two workers all the same.
"$ruche" call sleep 1000 >"$dir/one" 2>&1 &
"$ruche" call sleep 1000 >"$dir/other" 2>&1 &
both_run() { [ "$(status_of running)" = 2 ]; }
check 'two long tasks run side by side' wait_for both_run
for pid in $(jobs -p); do [ "$pid" = "$daemon" ] || kill "$pid"; done 2>/dev/null
check 'and are stopped' wait_for all_idle
finish
