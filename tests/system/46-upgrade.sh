#!/bin/bash
# SPDX-License-Identifier: MIT
# Another program takes the daemon's place: nothing is lost, nobody notices; or it cannot, and nothing has changed.
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99
times=${RUCHE_TEST_RELOADS:-20}
export RUCHE=$ruche

# The daemon is started from a file of its own, which is then replaced.
program=$dir/ruched
install_program() { # FILE
	cp "$1" "$program.new" && mv "$program.new" "$program"
}
install_program "$top_builddir/ruched"
[ -n "${RUCHE_TEST_VALGRIND:-}" ] || RUCHE_DAEMON=$program

cat >"$dir/conf" <<END
[limits]
quarantine_after = 3
[pool default]
plugin = $test_plugins/crash.so
workers = 14
grace = 300ms
[pool second]
plugin = $test_plugins/crash.so
workers = 1
[pool third]
plugin = $RUCHE_PLUGIN_DIR/tutorial.so
workers = 1
[pool fourth]
plugin = $test_plugins/crash.so
workers = 1
END
start_daemon --config "$dir/conf"
"$ruche" call cube 3 >/dev/null
check 'nothing is lost, and nobody notices' \
	"$PYTHON3" "$top_srcdir/tests/system/upgrade.py" "$sock" "$dir" "$times" "$ruche" upgrade

check 'nor does anybody who shares objects' \
	"$PYTHON3" "$top_srcdir/tests/system/upgrade_objects.py" "$sock" "$ruche" upgrade
check_output 'of which none is left' '[]' "$ruche" --json call ruche.objects

# ---- a program that cannot go on ------------------------------------------------------------

upgraded() { status_of upgrades; }
upgrades=$(upgraded)
refused() { # CLAIM PATTERN
	check_status "$1: refused" 1 timeout 60 "$ruche" upgrade
	check_said 'and why' "the daemon goes on as it was: $2"
	check_output 'the old one goes on' 27 "$ruche" call cube 3
}
if [ -z "${RUCHE_TEST_VALGRIND:-}" ]; then
	mv "$program" "$program.good"
	refused 'there is none' "$program: No such file"
	mkdir "$program"
	refused 'a directory' "$program: Permission denied"
	rmdir "$program"
	echo 'this is no program' >"$program" && chmod +x "$program"
	refused 'a file that is no program' "$program: Exec format error"
	install_program /bin/true
	refused 'another program' 'the new program cannot go on: it does not say why'
	printf '#!/bin/sh\necho half a lung; kill -9 $$\n' >"$program"
	refused 'one that dies' 'the new program cannot go on: half a lung'
	mv "$program.good" "$program"
	check_output 'none of them has taken over' "$upgrades" upgraded
fi
kill -USR2 "$daemon"
is_upgraded() { [ "$(upgraded)" -gt "$upgrades" ]; }
check 'SIGUSR2 upgrades' wait_for is_upgraded

# ---- two versions ---------------------------------------------------------------------------

stop_daemon
export RUCHE_TEST_UNABLE=$dir/unable
cp "$test_plugins/crash.so" "$dir/crash.so"
printf '[pool default]\nworkers = 2\nplugin = %s/crash.so\n' "$dir" >"$dir/conf"
start_daemon --config "$dir/conf"
crash() { # TIMES
	for ((i = 0; i < $1; i++)); do "$ruche" call crash.segv; done >/dev/null 2>&1
}
to() { # FILE
	[ -n "${RUCHE_TEST_VALGRIND:-}" ] || install_program "$1"
	"$ruche" upgrade
}
if [ -z "${RUCHE_TEST_VALGRIND:-}" ]; then
	next=$top_builddir/tests/system/next
	crash 6
	"$ruche" call sleep 1000 >/dev/null 2>&1 &
	running() { [ "$(status_of running)" = 1 ]; }
	wait_for running
	pids=$("$ruche" workers --json | grep -o '"pid": [0-9]*')
	touch "$RUCHE_TEST_UNABLE"
	check_status 'one that finds too late that it cannot go on' 1 to "$next"
	check_said 'hands all back' 'the daemon goes on as it was: Input/output error'
	check 'to the one before it' running
	rm "$RUCHE_TEST_UNABLE"
	check 'from this version to the next' to "$next"
	crash 1
	check_status 'which has another default, and knows of the crashes before' 1 "$ruche" call crash.segv
	check_said 'seven are too many for it' 'crash.segv killed its worker 7 times running and is not called'
	check 'from that to this version' to "$top_builddir/ruched"
	check 'and to the next once more' to "$next"
	check 'what runs still does' running
	check_output 'one worker was that one all the time' 1 \
		eval '"$ruche" workers --json | grep -o "\"pid\": [0-9]*" | grep -cFx "$pids"'
	check_output 'three upgrades' 3 upgraded
	rm "$dir/crash.so"
	check 'one more when a plugin has been removed, since nothing loads it anew' to "$top_builddir/ruched"
	check 'what runs still does' running
	kill %%
fi

# ---- while a descriptor is on its way to a client that does not read ------------------------------

cat >"$dir/late.py" <<'PY'
"""late.py SOCKET DAEMON_PID RUCHE: reads its arena only after an upgrade, behind an answer that no socket holds."""
import array, os, socket, subprocess, sys, time
import msgpack

s = socket.socket(socket.AF_UNIX)
s.settimeout(30)
s.connect(sys.argv[1])
s.sendall(msgpack.packb([0, 1, "echo", [b"x" * 600000]]) + msgpack.packb([0, 2, "ruche.arena", []]))

def has_arena():
    with open(f"/proc/{sys.argv[2]}/maps", encoding="ascii") as maps:
        return "ruche-arena" in maps.read()

end = time.monotonic() + 30
while not has_arena():
    assert time.monotonic() < end, "no arena"
    time.sleep(0.01)
subprocess.run([sys.argv[3], "upgrade"], check=True)
unpacker, answers, fds = msgpack.Unpacker(raw=False, max_buffer_size=1 << 24), {}, []
while len(answers) < 2:
    data, ancillary, _, _ = s.recvmsg(65536, socket.CMSG_SPACE(4))
    assert data, "closed"
    for _, _, value in ancillary:
        fds.extend(array.array("i", value))
    unpacker.feed(data)
    answers.update((message[1], message[3]) for message in unpacker)
assert len(answers[1]) == 600000 and len(fds) == 1, fds
assert os.fstat(fds[0]).st_size == answers[2][0], answers[2]
print("it came")
PY
check_output 'its descriptor comes all the same' 'it came' \
	"$PYTHON3" "$dir/late.py" "$sock" "$daemon" "$ruche"

# ---- while workers die -------------------------------------------------------------------------

stop_daemon
ulimit -c 0
printf '[limits]\nquarantine_after = 0\n[pool default]\nworkers = 2\ngrace = 50ms\n' >"$dir/conf"
start_daemon --config "$dir/conf" --plugin "$test_plugins/crash.so"
"$top_builddir/tests/system/mixed" "$sock" 8 $((300 * times)) "$dir/journal" >"$dir/mixed" 2>&1 &
mixed=$!
while kill -0 $mixed 2>/dev/null; do "$ruche" upgrade || break; done
check 'each task has one answer, none is started twice, only those fail that crash' wait $mixed
cat "$dir/mixed"
finish
