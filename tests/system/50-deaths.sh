#!/bin/bash
# SPDX-License-Identifier: MIT
# The supervisor, the fork server and clients are killed or stopped.
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99
printf '[pool default]\nworkers = 2\ngrace = 200ms\n' >"$dir/conf"
start_daemon --config "$dir/conf" --plugin "$test_plugins/crash.so"

# ---- the supervisor is killed while a function, a command and what it started run
"$ruche" call sleep 1000 2>"$dir/lost" &
lost=$!
"$ruche" run -- sh -c 'setsid sleep 1001 & sleep 1002' 2>/dev/null &
both_run() { [ "$(status_of running)" = 2 ]; }
wait_for both_run
wait_for pgrep -f 'sleep 100[12]'
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null
sleep 1 # the promise: nothing is left a second later
check 'a second after the supervisor was killed nothing is left' nothing_left
wait "$lost"
check 'its client is told that the daemon is gone' test $? -eq 69
check 'and that the call may have been executed' grep -q 'executed: maybe' "$dir/lost"
check 'the stale socket is there' test -S "$sock"
start_daemon --config "$dir/conf" --plugin "$test_plugins/crash.so"
check_output 'a new daemon starts over it' 27 "$ruche" call cube 3
check_status 'a second one on the same socket is refused' 1 "$RUCHE_DAEMON" --socket "$sock"
check_said 'and says why' 'another daemon listens'
touch "$dir/file"
check_status 'what is not a socket is not removed' 1 "$RUCHE_DAEMON" --socket "$dir/file"
check 'it is still there' test -f "$dir/file"

# ---- the fork server
old=$(status_of forkserver pid)
kill -KILL "$old"
changed() { [ "$(status_of forkserver pid)" != "$old" ]; }
check 'a killed fork server is started again' wait_for changed
kill -KILL "$(worker_pid 0)"
check 'and makes workers' wait_for all_idle

old=$(status_of forkserver pid)
kill -STOP "$old"
kill -KILL "$(worker_pid 0)"
check_output 'with a stopped fork server the other worker still answers' 27 "$ruche" call cube 3
kill -CONT "$old"
check 'when it goes on, the worker is replaced' wait_for all_idle

# ---- a worker
kill -STOP "$(worker_pid 0)" "$(worker_pid 1)"
"$ruche" call cube 5 >"$dir/late" &
late=$!
handed() { [ "$(status_of running)" -ge 1 ]; }
wait_for handed
for i in 0 1; do kill -KILL "$(worker_pid $i)"; done
wait "$late"
check 'a task that a stopped worker never started is run by the next' test "$(cat "$dir/late")" = 125

# ---- a client
"$ruche" call sleep 1000 &
client=$!
one_runs() { [ "$(status_of running)" = 1 ]; }
wait_for one_runs
kill -KILL "$client"
wait "$client" 2>/dev/null
check 'the call of a client that was killed is cancelled' wait_for all_idle
"$ruche" run -- sleep 1003 &
client=$!
wait_for one_runs
kill -KILL "$client"
wait "$client" 2>/dev/null
check 'and its command is stopped' wait_for all_idle
check 'the sleep is gone' bash -c '! pgrep -f "^sleep 1003" >/dev/null'
"$ruche" call test.spin 1000 2>/dev/null &
client=$!
wait_for one_runs
kill -KILL "$client"
wait "$client" 2>/dev/null
check 'a function that will not stop is killed after the grace period' wait_for all_idle

# ---- the end
"$ruche" run -- sh -c "touch '$dir/began'; sleep 0.5" >"$dir/last" 2>&1 &
last=$!
wait_for test -e "$dir/began" # what a worker has and has not begun with is given back
kill -TERM "$daemon"
wait "$daemon"
check 'SIGTERM ends the daemon with status 0' test $? -eq 0
daemon=0
wait "$last"
check 'after the running call was answered' test $? -eq 0
check 'nothing is left' wait_for nothing_left
check 'the socket is removed' test ! -e "$sock"
check_status 'without a daemon the status is 69' 69 "$ruche" call cube 3
finish
