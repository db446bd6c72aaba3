#!/bin/bash
# SPDX-License-Identifier: MIT
# systemctl reload and stop: what ruche-tasks(7) says in rows 15 and 13.
. /ruche-boot/inside/lib.sh

# ---- reload ----------------------------------------------------------------------------------------

configure ruche <<'END'
[daemon]
stop_grace = 20s
[pool default]
workers = 2
END
size() { ruche pool | awk '$1 == "default" { print $3 }'; }
systemctl start ruched.socket
check_output 'the daemon has what the configuration says' 2 size
pid=$(pid_of ruched.service)
ruche run --cwd / -- sh -c 'sleep 2; echo slept' >"$dir/slept" &
slept=$!
one_runs() { [ "$(status_of running)" = 1 ]; }
wait_for one_runs
sed -i 's/workers = 2/workers = 3/' $etc/ruche.conf
check 'it is told to reload' systemctl reload ruched.service
check_output 'which has happened when systemctl ends' 3 size
check_output 'in the same daemon' "$pid" pid_of ruched.service
check 'what ran goes on' wait $slept
check_output 'to its end' slept cat "$dir/slept"
sed -i 's/workers = 3/workers = many/' $etc/ruche.conf
check_status 'a configuration that is wrong is told' 1 systemctl reload ruched.service
check_output 'and changes nothing' 3 size
check 'the service goes on' is_active ruched.service
sed -i 's/workers = many/workers = 2/' $etc/ruche.conf
check 'until it is right' systemctl reload ruched.service

# ---- stop ---------------------------------------------------------------------------------------------

# TimeoutStopSec is far less than what the tasks take: the daemon asks for more.
drop_in ruched.service <<'END'
[Service]
TimeoutStopSec=2
END
systemctl restart ruched.service
wait_for ruche ping
finished=$(ruche submit cube 3)
ruche wait "$finished" >/dev/null
for i in 1 2; do
	ruche run --cwd / -- sh -c 'sleep 5; echo done' >"$dir/running.$i" 2>&1 &
done
both_run() { [ "$(status_of running)" = 2 ]; }
wait_for both_run
ruche call sleep 1000 >"$dir/queued" 2>&1 &
queued=$!
ruche call --delay 1000 cube 3 >"$dir/delayed" 2>&1 &
delayed=$!
four_are_open() { [ "$(status_of open)" = 4 ]; }
check 'two tasks run, one is queued, one delayed' wait_for four_are_open
systemctl stop ruched.socket ruched.service
check_output 'when the service is stopped, what runs comes to its end' 'done done' bash -c 'cat "$1"/running.* | xargs' - "$dir"
wait $queued $delayed
check 'what was queued is told so, and that it was not executed' grep -q 'shutting_down; executed: no' "$dir/queued"
check 'and what was delayed' grep -q 'shutting_down; executed: no' "$dir/delayed"
check_output 'it was no time-out' success show ruched.service Result
systemctl start ruched.socket
check_status 'an answer that was kept is gone' 1 ruche result "$finished"
check_said 'and its task unknown' unknown_task

# ---- stop, and tasks that take too long -------------------------------------------------------------------

sed -i 's/stop_grace = 20s/stop_grace = 500ms/' $etc/ruche.conf
systemctl restart ruched.service
ruche call sleep 1000 >"$dir/killed" 2>&1 &
killed=$!
wait_for one_runs
systemctl stop ruched.socket ruched.service
wait $killed
check 'what takes longer than it may is answered too' grep -q 'shutting_down; executed: maybe' "$dir/killed"
check_output 'it was no time-out' success show ruched.service Result

finish
