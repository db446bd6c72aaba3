#!/bin/bash
# SPDX-License-Identifier: MIT
# Another version takes the place of the daemon a hundred times in the middle of calls: nobody notices.
. /ruche-boot/inside/lib.sh

configure ruche <<END
[limits]
quarantine_after = 0
[pool default]
plugin = $plugins/crash.so
workers = 2
grace = 1s
END
systemctl start ruched.socket
check_output 'the service is started' 27 ruche call cube 3
pid=$(pid_of ruched.service)
pids() { ruche workers --json | grep -o '"pid": [0-9]*'; }
clients_are() { [ "$(status_of clients)" = "$1" ]; }
descriptors() { wait_for clients_are 1 >/dev/null && find "/proc/$pid/fd" -mindepth 1 | wc -l; }
workers=$(pids)
before=$(descriptors)

# ---- nothing is restarted ---------------------------------------------------------------------

# One call for each item.
seq 2000000 | ruche map --chunk 1 square >"$dir/squares" 2>"$dir/errors" &
map=$!
done=0 meanwhile=0
while [ $done -lt 100 ] || kill -0 $map 2>/dev/null; do
	ruche upgrade 2>"$dir/stderr" || break
	done=$((done + 1))
	! kill -0 $map 2>/dev/null || meanwhile=$done
done
check 'a hundred upgrades' test $done -ge 100
echo "# $meanwhile of $done in the middle of the calls"
check 'two million calls, begun before, are answered' wait $map
check_output 'with as many results' 2000000 eval 'wc -l <"$dir/squares"'
check_output 'of which the last is right' 4000000000000 tail -n 1 "$dir/squares"
check_output 'it is the same process' "$pid" pid_of ruched.service
check_output 'which systemd has not restarted' 0 show ruched.service NRestarts
check_output 'the workers are the same' "$workers" pids
check_output 'no descriptor more' "$before" descriptors
says() { systemctl status --no-pager ruched.service | grep -qE "Status: \"$1\""; }
check 'systemctl status tells what there is' wait_for says '2 workers, 0 running, 0 queued'

# ---- while workers die, and between two versions ------------------------------------------------

install -o ruche -d /var/lib/ruche/mixed
$bin/mixed $sock 8 12000 /var/lib/ruche/mixed/journal >"$dir/mixed" 2>&1 &
mixed=$!
versions=("$bin/next" /usr/local/sbin/ruched.before)
cp /usr/local/sbin/ruched "${versions[1]}"
failed=0
for ((i = 0; i < 20; i++)); do
	cp "${versions[i % 2]}" /usr/local/sbin/ruched.new && mv /usr/local/sbin/ruched.new /usr/local/sbin/ruched
	ruche upgrade 2>>"$dir/stderr" || failed=$((failed + 1))
done
check_output 'twenty times to another version and back' 0 echo $failed
check 'each task has one answer, none is started twice, only those fail that crash' wait $mixed
tail -n 4 "$dir/mixed" | sed 's/^/# /'
rm -r /var/lib/ruche/mixed
check_output 'it is the same process still' "$pid" pid_of ruched.service

# ---- and then ----------------------------------------------------------------------------------------

check 'the watchdog still looks at it' test "$(show ruched.service WatchdogUSec)" != 0
check 'a reload' systemctl reload ruched.service
check_output 'a call' 27 ruche call cube 3
kill -KILL "$pid"
check 'a restart' wait_for is_restarted "$pid"

finish
