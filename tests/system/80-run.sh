#!/bin/bash
# SPDX-License-Identifier: MIT
# `ruche run` behaves as the command itself.
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99
start_daemon
run() { "$ruche" run "$@"; }

check_status 'success' 0 run -- true
check_status 'failure' 1 run -- false
check_status 'a command that is not there' 127 run -- "$dir/nothing"
check_said 'is named' "$dir/nothing"
check_status 'a file that is not executable' 126 run -- "$top_srcdir/configure.ac"
check_status 'a signal' 139 run -- sh -c 'kill -SEGV $$'
check_said 'is named' 'SIGSEGV'
check_output 'arguments arrive as they are' "a b|c'd|\$e||*|" \
	run -- sh -c 'for x; do printf "%s|" "$x"; done' sh 'a b' "c'd" '$e' '' '*'
check_output 'it runs in the directory of the caller' "$dir" bash -c "cd '$dir' && '$ruche' run -- pwd"
check_output 'or in another' / run --cwd / -- pwd
check_output 'with the environment of the caller' blue env COLOUR=blue "$ruche" run -- sh -c 'echo $COLOUR'
check_output 'and more of it' red env COLOUR=blue "$ruche" run --env COLOUR=red -- sh -c 'echo $COLOUR'
check_output 'its stdin is ours' 'some text' bash -c "echo some text | '$ruche' run -- cat"
check_output 'an empty stdin is empty' 0 bash -c "'$ruche' run -- wc -c </dev/null"

head -c 5000000 /dev/urandom >"$dir/random"
check '5 MB of anything pass unchanged' \
	bash -c "'$ruche' run -- cat <'$dir/random' | cmp - '$dir/random'"
check_output 'what nobody reads ends the command' 'y 141' \
	bash -c "'$ruche' run -- yes | head -1 | tr '\n' ' '; echo \${PIPESTATUS[0]}"
check 'and it is gone' wait_for all_idle

# live: the first line is there while the command still runs
mkfifo "$dir/fifo"
run -- sh -c "echo first; read x <'$dir/fifo'; echo \$x" >"$dir/live" &
live=$!
check 'output is live' wait_for grep -q first "$dir/live"
echo second >"$dir/fifo"
wait "$live"
check 'to the end' test "$(tail -1 "$dir/live")" = second

# stdin is live too
mkfifo "$dir/in"
run -- cat <"$dir/in" >"$dir/live" &
live=$!
exec 9>"$dir/in"
echo one >&9
check 'input is live' wait_for grep -q one "$dir/live"
echo two >&9
exec 9>&-
wait "$live"
check 'and its end is passed on' grep -q two "$dir/live"

# signals
for signal in INT TERM HUP; do
	background "$ruche" run -- sh -c \
		"trap 'echo caught; exit 5' $signal; echo ready; while :; do sleep 0.05; done" >"$dir/live"
	wait_for grep -q ready "$dir/live"
	kill -$signal "$background"
	wait "$background"
	check "SIG$signal reaches the command, which may handle it" test $? -eq 5
	check "SIG$signal: it did" grep -q caught "$dir/live"
done
background "$ruche" run -- sleep 1004
wait_for pgrep -f '^sleep 1004'
kill -TERM "$background"
wait "$background"
check 'a signal ends a command that does not handle it' test $? -eq 143
check 'really' bash -c '! pgrep -f "^sleep 1004" >/dev/null'
"$PYTHON3" - "$ruche" >"$dir/pty" 2>&1 <<'PY'
import os, pty, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], [sys.argv[1], "run", "--", "sleep", "1005"])
deadline = time.time() + 20
while os.system("pgrep -f '^sleep 1005' >/dev/null") != 0 and time.time() < deadline:
    time.sleep(0.01)
os.write(fd, b"\x03")  # Ctrl-C
_, status = os.waitpid(pid, 0)
print(os.waitstatus_to_exitcode(status))
PY
check 'Ctrl-C on a terminal stops it' grep -qE '^(-2|130)' "$dir/pty"
check 'really' bash -c '! pgrep -f "^sleep 1005" >/dev/null'

check_output 'a grandchild that keeps stdout open does not keep us waiting' over \
	timeout 10 "$ruche" run -- sh -c 'sleep 1006 & echo over'
check 'and it is gone' bash -c 'for i in 1 2 3 4 5 6 7 8 9; do pgrep -f "^sleep 1006" >/dev/null || exit 0; sleep 0.1; done; exit 1'
check_output 'a private daemon does the same' hello "$ruche" --private run -- echo hello
finish
