#!/bin/bash
# SPDX-License-Identifier: MIT
# Large values, in memory that a client shares with the workers: right, bounded, and nothing of it stays.
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99
large=$top_builddir/tests/system/large
# Checkers need address space and descriptors of their own.
checked=${RUCHE_TEST_VALGRIND:-}
grep -q fsanitize "$top_builddir/config.status" && checked=yes
cat >"$dir/conf" <<END
[limits]
quarantine_after = 0
arena_total = 1T
[pool default]
workers = 2
max_memory = 100M
[pool tight]
plugin = $RUCHE_PLUGIN_DIR/tutorial.so
workers = 1
${checked:+#}rlimit_as = 400M
[pool full]
plugin = $RUCHE_PLUGIN_DIR/tutorial.so
workers = 1
${checked:+#}rlimit_nofile = 6
END
start_daemon --config "$dir/conf" --plugin "$test_plugins/crash.so"
worker_pids() { "$ruche" workers --json | "$PYTHON3" -c 'import json, sys
print(*[w["pid"] for w in json.load(sys.stdin)])'; }
mappings() { for p in "$daemon" $(worker_pids); do cat "/proc/$p/maps"; done | grep -c ruche-arena; }
nothing_shared() { [ "$(mappings)" = 0 ]; }
before=$(descriptors "$daemon")

# ---- libruche -----------------------------------------------------------------------------

check_output 'values of all sizes come back as they were, in shared memory' shared "$large" "$sock" sizes
check_output 'with more of them open than there are lanes, too' shared "$large" "$sock" many
check_output 'a reply outlives its connection' shared "$large" "$sock" outlive
check_output 'a structure as well' shared "$large" "$sock" packed
check_output 'an item of a queue is never taken for a part of it' shared "$large" "$sock" items
check_output 'a task with a key shares nothing' 'in messages' "$large" "$sock" tasks
check_output 'a result that was made and then not used takes no room' shared "$large" "$sock" failures
check_output 'nor does one that is no value, which is refused' shared "$large" "$sock" strays
pids=$(worker_pids)
check_output 'values of 60 MB' shared "$large" "$sock" big
check_output 'of which the workers do not grow' "$pids" worker_pids
check_output 'a worker that cannot write its answer has given it' shared "$large" "$sock" closes
check_output 'a copy of a client frees nothing' shared "$large" "$sock" forks
check_output 'a copy of a worker takes nothing' shared "$large" "$sock" copies
if [ -z "$checked" ]; then
	check_output 'a worker without a descriptor left says so' \
		'large: argument 1 lies in memory that has not come to this worker: it may have no descriptor left (rlimit_nofile)' \
		eval '"$large" "$sock" sizes full/echo 2>&1'
	check_output 'workers with little address space do without' 'in messages' \
		"$large" "$sock" sizes tight/echo
	check_output 'as do clients' 'in messages' "$large" "$sock" no_space
fi
check_output 'clients without a descriptor left do without' 'in messages' "$large" "$sock" no_files
check_output 'workers that die with a result take no room with them' shared "$large" "$sock" crashes

# ---- clients that die, that lie --------------------------------------------------------------

for _ in 1 2 3; do "$large" "$sock" die; done >"$dir/died" 2>/dev/null
check_output 'clients have died' '3' grep -c dies "$dir/died"

cat >"$dir/liar.py" <<'PY'
"""A client that has an arena and writes nonsense into it, and into its references."""
import array, mmap, os, random, socket, struct, sys
import msgpack

s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.settimeout(20)
unpacker = msgpack.Unpacker(raw=False, ext_hook=lambda code, data: (code, data), max_buffer_size=2**28)
number, fds = 0, []

def ask(method, *params):
    global number
    number += 1
    s.sendall(msgpack.packb([0, number, method, params]))
    while True:
        data, ancillary, _, _ = s.recvmsg(65536, socket.CMSG_SPACE(4))
        for _, _, value in ancillary:
            fds.extend(array.array("i", value))
        unpacker.feed(data)
        for _, msgid, error, result in unpacker:
            assert msgid == number
            return error["code"] if error else result

def ref(lane, off, length):
    return msgpack.ExtType(2, struct.pack(">IIQ", lane, off, length))

assert ask("echo", ref(0, 0, 5)) == (2, struct.pack(">IIQ", 0, 0, 5)) or True
size, large = ask("ruche.arena")
assert len(fds) == 1 and os.fstat(fds[0]).st_size == size > large >= 64 << 20, (fds, size, large)
try:
    os.ftruncate(fds[0], 4096)
    raise SystemExit("an arena can be made smaller")
except PermissionError:
    pass
memory = mmap.mmap(fds[0], size)

# What is there is used as it is, and what is not is refused.
first = 4096
assert isinstance(ask("test.big", 100000), bytes) # it is not said to be mapped
memory[0] = 1 # lane 0 is taken
memory[8] = 1
memory[first:first + 5] = b"\xc6\0\0\x80\0"
memory[first + 5:first + 5 + 32768] = b"x" * 32768
assert ask("echo", ref(0, 0, 5 + 32768), 1) == "bad_arguments"      # echo takes one
result = ask("echo", ref(0, 0, 5 + 32768))
assert result[0] == 2, result
lane, off, length = struct.unpack(">IIQ", result[1])
assert length == 5 + 32768 and lane < 48
at = 4096 + (lane << 20) + off
assert memory[at:at + length] == memory[first:first + length]

for lane, off, length in ((0, 0, 0), (0, 0, 4), (0, 0, 6), (0, 0, 2**40), (0, 1 << 20, 9), (0, 2**32 - 1, 2**64 - 1),
        (47, 0, 9), (48, 0, large + 1), (63, 0, 9), (64, 0, 9), (2**32 - 1, 0, 9)):
    assert ask("echo", ref(lane, off, length)) == "bad_arguments", (lane, off, length)
assert ask("echo", msgpack.ExtType(2, b"short")) == "bad_arguments"

# An array is no bytes; and nobody answers with a reference that is not the daemon's.
memory[first:first + 5] = b"\xdd\xff\xff\xff\xff"
assert ask("echo", ref(0, 0, 5)) == "bad_arguments"
assert ask("echo", [ref(0, 0, 5)]) == [(2, struct.pack(">IIQ", 0, 0, 5))] # deeper down it means nothing

# All lanes are said to be taken: what is large comes in its message.
memory[0:8] = b"\xff" * 8
assert ask("test.big", 100000) == b"x" * 100000
# And to be free: it is the client's own harm.
for turn in range(200):
    memory[0:4096] = random.randbytes(4096)
    got = ask("test.big", random.choice((40000, 2000000)))
    assert isinstance(got, (bytes, tuple)), got
    got = ask("echo", ref(random.randrange(70), random.randrange(2**20), random.randrange(2**21)))
    assert got == "bad_arguments" or isinstance(got, (bytes, str, tuple)), got
os.close(fds.pop())

# Very many clients that have one and never use it, on one worker.
mine, crowd = s, []
for _ in range(300):
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    s.settimeout(20)
    crowd.append(s)
    assert ask("ruche.arena") == [size, large] and ask("tight/echo", 1) == 1
    if len(crowd) < 300:
        os.close(fds.pop())
memory = mmap.mmap(fds[0], size)
memory[first:first + 5 + 32768] = b"\xc6\0\0\x80\0" + b"x" * 32768
assert ask("tight/echo", ref(0, 0, 5 + 32768)) == b"x" * 32768
os.close(fds.pop())
for s in crowd:
    s.close()
s = mine

for _ in range(20): # asked for again, the descriptor does not come again
    assert ask("ruche.arena") == [size, large] and not fds
print("well")
PY
pids=$(worker_pids)
check_output 'a client that lies harms itself' well "$PYTHON3" "$dir/liar.py" "$sock"
check_output 'and no worker' "$pids" worker_pids
check 'nothing of all that is shared any more' wait_for nothing_shared
descriptors_are_back() { [ "$(descriptors "$daemon")" -le "$before" ]; }
check 'no descriptor more than before' wait_for descriptors_are_back

# ---- none -------------------------------------------------------------------------------------

sed -i 's/^arena_total.*/arena_total = 400M/' "$dir/conf"
check 'the configuration is read again' "$ruche" reload
check_output 'when there is no more, all travels in messages' 'in messages' "$large" "$sock" sizes
sed -i 's/^arena_total.*/arena = 0/' "$dir/conf"
check 'and again' "$ruche" reload
check_output 'with arena = 0 as well' 'in messages' "$large" "$sock" sizes
finish
