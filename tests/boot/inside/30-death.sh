#!/bin/bash
# SPDX-License-Identifier: MIT
# A daemon that stands still, and one that is killed: what ruche-tasks(7) says in row 14.
. /ruche-boot/inside/lib.sh

# submit_all: a task in each state: delayed, queued behind running ones, finished
submit_all() {
	finished=$(ruche submit cube 3)
	ruche wait "$finished" >/dev/null
	calls=()
	for _ in $(seq $(($(nproc) + 1))); do
		ruche call sleep 1000 >"$dir/call.${#calls[@]}" 2>&1 &
		calls+=($!)
	done
	ruche call --delay 1000 cube 3 >"$dir/call.${#calls[@]}" 2>&1 &
	calls+=($!)
	wait_for all_are_open
}
all_are_open() { [ "$(status_of open)" = ${#calls[@]} ] && [ "$(status_of running)" = "$(nproc)" ]; }
all_disconnected() {
	local i
	for i in "${!calls[@]}"; do
		wait "${calls[$i]}" && return 1
		grep -q 'disconnected; executed: maybe' "$dir/call.$i" || { sed 's/^/# /' "$dir/call.$i"; return 1; }
	done
}
worker_pids() { ruche workers --json | grep -o '"pid": [0-9]*' | cut -d' ' -f2; }
are_gone() { local pid; for pid; do [ ! -d "/proc/$pid" ] || return 1; done; }

# ---- killed ------------------------------------------------------------------------------------

systemctl start ruched.socket
ruche ping
submit_all
pid=$(pid_of ruched.service)
mapfile -t workers < <(worker_pids)
kill -KILL "$pid"
check 'when the daemon is killed, every open call ends at once, and says that nobody knows' all_disconnected
check 'systemd starts another one' wait_for is_restarted "$pid"
check 'the workers of the old one are gone' are_gone "${workers[@]}"
check_status 'an answer that it had kept is gone' 1 ruche result "$finished"
check_said 'and its task is unknown' 'unknown_task'
check_output 'a call is answered' 27 ruche call cube 3
check_output 'it is the first restart' 1 show ruched.service NRestarts

# ---- it stands still ------------------------------------------------------------------------------

drop_in ruched.service <<'END'
[Service]
WatchdogSec=1
END
systemctl restart ruched.service
ruche ping
submit_all
pid=$(pid_of ruched.service)
kill -STOP "$pid"
ruche call cube 3 >"$dir/late" 2>&1 &
late=$!
check 'a daemon that stands still is restarted by the watchdog' wait_for is_restarted "$pid"
check 'its callers are told' all_disconnected
wait $late
check 'and so is, or is answered, who has called since' grep -qE '^27$|disconnected' "$dir/late"
check_output 'a call is answered' 27 ruche call cube 3
check 'systemd says why' bash -c 'journalctl --no-pager -u ruched.service | grep -q "Watchdog timeout"'

# ---- it dies again and again --------------------------------------------------------------------------

has_failed() { systemctl -q is-failed ruched.service; }
drop_in ruched.service <<'END'
[Unit]
StartLimitBurst=3
END
systemctl restart ruched.service
systemctl reset-failed ruched.service ruched.socket
kill_once() {
	local pid
	pid=$(pid_of ruched.service)
	has_failed && return
	[ "$pid" != 0 ] && kill -KILL "$pid"
	return 1
}
check 'a daemon that dies again and again is given up' wait_for kill_once
systemctl reset-failed ruched.service
systemctl restart ruched.socket
check_output 'until somebody says so' 27 ruche call cube 3

finish
