#!/bin/bash
# SPDX-License-Identifier: MIT
# New code and settings while calls go on; pools: their size, pause, drain; broken configs.
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99
times=${RUCHE_TEST_RELOADS:-20}
plugin=$dir/version.so conf=$dir/ruche.conf
ln -s "$test_plugins/version1.so" "$plugin"

cat >"$conf" <<END
[pool default]
plugin = $plugin
plugin = $test_plugins/crash.so
workers = 2
END
start_daemon --config "$conf"
"$ruche" call cube 3 >/dev/null
before=$(descriptors "$daemon")

check_output "$times reloads under load: no call is lost, each has an answer of one version or the other, then only of the new one" \
	good "$PYTHON3" "$top_srcdir/tests/system/reload.py" "$sock" "$plugin" \
	"$test_plugins/version1.so" "$test_plugins/version2.so" "$times"
one_forkserver() { [ "$(pgrep -c -P "$daemon" -x ruche-forkserve)" -eq 1 ]; } # as the kernel cuts it
# Under valgrind it has another name.
[ -n "${RUCHE_TEST_VALGRIND:-}" ] || check 'the former fork servers have gone' wait_for one_forkserver
check 'all workers are there' wait_for all_idle
same_descriptors() { [ "$(descriptors "$daemon")" -le "$before" ]; }
check 'no descriptor more than before' wait_for same_descriptors

# ask METHOD PARAMS: the answer to one request, as Python prints it
ask() {
	"$PYTHON3" - "$sock" "$@" <<'PY'
import json, socket, sys
import msgpack
s = socket.socket(socket.AF_UNIX)
s.settimeout(20)
s.connect(sys.argv[1])
s.sendall(msgpack.packb([0, 1, sys.argv[2], json.loads(sys.argv[3])]))
u = msgpack.Unpacker(raw=False)
while True:
    u.feed(s.recv(65536))
    for m in u:
        if m[0] == 1:
            print(m[2]["code"] if m[2] else json.dumps(m[3]))
            raise SystemExit
PY
}
pool_field() { "$ruche" pool --json | sed 's/}, {"name"/\n&/g' | grep -F "\"name\": \"$1\"" | field "$2"; }

# ---- what is broken changes nothing ----------------------------------------------------

version=$(ask test.version '[]')
pids() { worker_pid 0; worker_pid 1; }
workers=$(pids)
for fault in 'wrokers = 3' 'plugin = /nowhere.so' "plugin = $test_plugins/no_symbol.so" \
	"plugin = $test_plugins/init_fails.so" "plugin = $test_plugins/init_dies.so" \
	'runtime = /bin/false' 'init = no.such'; do
	cp "$conf" "$conf.good"
	echo "$fault" >>"$conf"
	check_output "reload with '${fault##*/}' is refused" failed ask ruche.reload '[]'
	mv "$conf.good" "$conf"
done
check_output 'and the old code goes on' "$version" ask test.version '[]'
check_output 'in the same workers' "$workers" pids
check 'the log says which line is wrong' grep -q 'ruche.conf:5: ' "$daemon_log"

# ---- signals, settings ------------------------------------------------------------------

echo 'environment = COLOUR=blue' >>"$conf"
kill -HUP "$daemon"
is_blue() { [ "$("$ruche" call test.env COLOUR)" = blue ]; }
check 'SIGHUP reloads: a new variable is in the environment' wait_for is_blue
check_output 'libraries for arithmetic are told to use one thread in each pinned worker' '"1"' \
	ask test.env '["OMP_NUM_THREADS"]'

cat >>"$conf" <<END
max_tasks = 3
[pool second]
plugin = $plugin
workers = 1
nice = 5
umask = 0027
rlimit_fsize = 104857600
END
check_output 'a second pool is added' null ask ruche.reload '[]'
check_output 'and called by its name' "$version" ask second/test.version '[]'
check_output 'or by an option' "$version" ask ruche.call '["test.version", [], {"pool": "second"}]'
check_output 'with its own settings' '5 0027 204800' \
	"$ruche" run --pool second -- sh -c 'echo $(nice) $(umask) $(ulimit -f)'
check_output 'a pool that is not there' unknown_function ask third/test.version '[]'

# A pool's first worker is there before its new settings are in force.
echo 'max_tasks = 2' >>"$conf"
ask ruche.reload '[]' >/dev/null
# at_most COUNT ALL: there are so many lines, none of them more often than that
at_most() {
	sort | uniq -c | awk -v most="$1" -v all="$2" \
		'$1 > most { bad = 1 } { sum += $1 } END { exit bad || sum != all }'
}
workers_of_six() { # which are the parents of what they run
	for _ in 1 2 3 4 5 6; do "$ruche" run --pool second -- sh -c 'echo $PPID'; done
}
check 'a worker that was on trial runs no more than max_tasks' eval 'workers_of_six | at_most 2 6'

# Workers of before the reload may answer until those that follow them are ready.
no_pid_often() {
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do "$ruche" call test.pid; done | at_most 3 12
}
check 'a worker runs no more than max_tasks' wait_for no_pid_often

# The next one is to be there in time, but not when half of them are still to come.
cat >>"$conf" <<END
[pool worn]
plugin = $test_plugins/crash.so
workers = 1
max_tasks = 1024
END
ask ruche.reload '[]' >/dev/null
workers_of_many() {
	yes '[]' | head -n 16384 | "$ruche" map --star --chunk 1 --window 1 worn/test.pid | sort -u | wc -l
}
check 'nor many less' eval '[ "$(workers_of_many)" -le 19 ]'

sed -i '/^max_tasks/d; /^\[pool second\]/,$d' "$conf"
check_output 'the second pool is removed' null ask ruche.reload '[]'
check_output 'and is there no more' unknown_function ask second/test.version '[]'

# ---- size, pause, drain -----------------------------------------------------------------

workers_are() { [ "$(pool_field default workers)" = "$1" ] && [ "$(pool_field default idle)" = "$1" ]; }
check_output 'a pool is made larger' null ask ruche.resize '["default", 4, 4]'
check 'and has more workers' wait_for workers_are 4
check_output 'and smaller' null ask ruche.resize '["default", 1, 1]'
check 'and has fewer' wait_for workers_are 1
check_output 'a size that makes no sense' bad_arguments ask ruche.resize '["default", 3, 2]'
ask ruche.resize '["default", 2, 2]' >/dev/null
check 'as it was' wait_for workers_are 2

check_output 'a paused pool' null ask ruche.pause '[]'
"$ruche" call cube 3 >"$dir/paused" &
paused=$!
waits() { [ "$(pool_field default queued)" = 1 ]; }
check 'runs nothing' wait_for waits
check_output 'and goes on when it is resumed' null ask ruche.resume '["default"]'
wait $paused
check_output 'with what had waited' 27 cat "$dir/paused"

# A command that runs until it is let go.
mkfifo "$dir/gate"
"$ruche" run -- sh -c "read -r line <'$dir/gate'" &
runs=$!
busy() { [ "$(pool_field default busy)" = 1 ]; }
check 'a task runs' wait_for busy
ask ruche.drain '[]' >"$dir/drained" &
drains=$!
refused() { [ "$(ask cube '[3]')" = unavailable ]; }
check 'while the pool is drained nothing new is taken' wait_for refused
check_output 'drain waits for what runs' '' cat "$dir/drained"
echo go >"$dir/gate"
check 'which is finished' wait $runs
wait $drains
check_output 'and then drain ends' null cat "$dir/drained"
ask ruche.resume '[]' >/dev/null
check_output 'until it is resumed' 27 ask cube '[3]'
finish
