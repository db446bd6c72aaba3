#!/bin/bash
# SPDX-License-Identifier: MIT
# What the daemon tells its service manager, and what it gets from it: readiness, a status line, the watchdog, sockets.
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99
"$ruche" --version >/dev/null || exit 99
grep -q '^#define HAVE_SYSTEMD 1' "$top_builddir/config.h" || { echo '1..0 # SKIP built without systemd'; exit 77; }
heard=$dir/heard
cat >"$dir/conf" <<END
[daemon]
socket = $sock
stop_grace = 60s
[pool default]
workers = 2
END

# start_managed SOCKETS [WATCHDOG_USEC]: as if systemd had done it
start_managed() {
	rm -f "$heard" "$heard.sock" "$sock" "$dir/other.sock"
	background "$PYTHON3" "$top_srcdir/tests/system/manager.py" "$heard" "$1" ${2:-} -- \
		"$RUCHE_DAEMON" --config "$dir/conf" --plugin "$test_plugins/crash.so" 2>>"$daemon_log"
	manager=$background
	wait_for grep -q READY=1 "$heard"
	know_daemon
}
know_daemon() { daemon=$(sed -n 's/^PID=//p' "$heard" | tail -1); }
# The daemon is the manager's child, so its end is the manager's.
stop_managed() { kill -TERM "$daemon" && daemon=0 && wait "$manager"; }
says() { tail -n +"${2:-1}" "$heard" | grep -qE "$1"; }

# ---- sockets, readiness, status -------------------------------------------------------------

start_managed "$sock,$dir/other.sock"
check_output 'calls come in by the first socket that it was given' 27 "$ruche" call cube 3
check_output 'and by the other' 27 "$ruche" --socket "$dir/other.sock" call cube 3
check 'the status line tells what there is' wait_for says '^STATUS=2 workers, 0 running, 0 queued$'
check_output 'a task hears nothing of the manager' null "$ruche" call --json test.env '"NOTIFY_SOCKET"'
for _ in 1 2 3; do "$ruche" call sleep 1000 2>/dev/null & done
check 'and what runs, as it changes' wait_for says '^STATUS=2 workers, 2 running, 1 queued$'
at=$(($(wc -l <"$heard") + 1))
"$ruche" reload
check 'a reload is told' says '^RELOADING=1 STATUS=Reloading$' "$at"
check 'and its end' wait_for says '^READY=1$' "$at"
at=$(($(wc -l <"$heard") + 1))
kill -TERM "$daemon"
check 'so is the end' wait_for says '^STOPPING=1$' "$at"
check 'which takes its time while tasks run' wait_for says '^EXTEND_TIMEOUT_USEC=[1-9][0-9]*$' "$at"
check 'and the status line says so' wait_for says '^STATUS=Ending: [0-9]+ workers, [23] running, 0 queued$' "$at"
kill -TERM "$daemon" # the second time it means it
daemon=0
check 'the daemon ends well' wait "$manager"
check 'its sockets are left to the manager' test -S "$sock" -a -S "$dir/other.sock"
check 'no watchdog was fed, as none was asked for' bash -c '! grep -q WATCHDOG "$1"' - "$heard"
wait

# ---- restarts ----------------------------------------------------------------------------------

# restart SIGNAL: the daemon, which the manager starts again with what it stored
restart() {
	local at=$(($(wc -l <"$heard") + 1))
	touch "$heard.again"
	kill "-$1" "$daemon"
	wait_for says '^READY=1$' "$at" && know_daemon
}
file() { stat -c %d:%i "$sock"; }
start_managed ''
check 'a socket of its own it leaves with the manager' wait_for says '^FDSTORE=1 FDNAME=ruche-socket-[0-9a-f]+-[0-9a-f]+ FDPOLL=0$'
was=$(file)
insist() { "$top_builddir/tests/system/insist" "$sock" "$@"; }
insist 4000 >"$dir/insist" 2>"$dir/insisted" &
insists=$!
check 'calls are under way' wait_for grep -qx 400 "$dir/insist"
for _ in 1 2 3; do restart TERM; done
check 'all are answered, by four daemons, what was not executed at another try' wait $insists
sed 's/^/# /' "$dir/insisted"
check_output 'and by no connection but theirs' 'connections 4' grep -o 'connections 4' "$dir/insist"
check_output 'the socket is the same, at the same place' "$was" file
check 'a daemon that is upgraded' "$ruche" upgrade
check 'and then restarted' restart TERM
check_output 'has left it where it was' "$was" file
printf '[daemon]\nsocket = %s\nstop_grace = 60s\nsocket_mode = 660\n' "$sock" >"$dir/conf"
restart TERM
check_output 'and it has the mode that the configuration says now' 660 stat -c %a "$sock"
insist 3000 --again >"$dir/insist" 2>"$dir/insisted" &
insists=$!
wait_for grep -qx 100 "$dir/insist"
check 'it is there after a crash as well' restart KILL
check 'and who may try again is answered' wait $insists
rm "$sock"
check 'one whose file is gone is not taken' restart TERM
check 'but given up' says '^FDSTOREREMOVE=1 FDNAME=ruche-socket-[0-9a-f-]+$'
check_output 'and a new one made' 27 "$ruche" call cube 3
check_output 'which is stored as the first was' 2 grep -c '^FDSTORE=1' "$heard"
kill -TERM "$daemon"
daemon=0
check 'the daemon ends well' wait "$manager"
check 'the file stays, as nobody can know that this was no restart' test -S "$sock"
start_daemon
check_output 'the next daemon takes its place' 27 "$ruche" call cube 3
check 'and ends well' stop_daemon

# ---- memory -----------------------------------------------------------------------------------

if (echo -100 >/proc/self/oom_score_adj) 2>/dev/null; then
	score() { cat "/proc/$1/oom_score_adj"; }
	(echo -100 >/proc/self/oom_score_adj && exec "$RUCHE_DAEMON" --socket "$sock") 2>>"$daemon_log" &
	daemon=$!
	wait_for "$ruche" ping && wait_for all_idle
	check_output 'a daemon that is spared when memory runs out' -100 score $daemon
	check_output 'has workers that are not' 0 score "$(worker_pid 0)"
	check_output 'nor are their tasks' 0 "$ruche" run -- cat /proc/self/oom_score_adj
	check 'the daemon ends well' stop_daemon
else
	echo '# no right to lower oom_score_adj: not tested'
fi

# ---- the watchdog ----------------------------------------------------------------------------

start_managed "$sock" 200000
fed() { [ "$(grep -c '^WATCHDOG=1$' "$heard")" -ge "$1" ]; }
check 'the watchdog is fed' wait_for fed 3
"$ruche" call sleep 1000 2>/dev/null &
"$ruche" call sleep 1000 2>/dev/null &
wait_for says '2 running, 0 queued'
"$ruche" call square 3 >"$dir/waits" 2>/dev/null &
check 'while all workers are busy as well' wait_for says '2 running, 1 queued'
count=$(grep -c '^WATCHDOG=1$' "$heard")
check 'for as long as that lasts' wait_for fed $((count + 10))
kill -STOP "$daemon"
sleep 0.2 # what was on its way
count=$(grep -c '^WATCHDOG=1$' "$heard")
sleep 0.5
check_output 'and not by a daemon that stands still' "$count" grep -c '^WATCHDOG=1$' "$heard"
kill -CONT "$daemon"
check 'until it goes on' wait_for fed $((count + 1))
kill -TERM "$daemon"
wait_for says '^STOPPING=1$'
kill -TERM "$daemon"
daemon=0
check 'the daemon ends well' wait "$manager"
wait

finish
