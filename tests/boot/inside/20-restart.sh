#!/bin/bash
# SPDX-License-Identifier: MIT
# Restarts while calls come in: nobody is refused, and what was not executed is answered at another try.
. /ruche-boot/inside/lib.sh

# insist N CALLS [--again]: N clients that together have so many calls
insist() {
	local clients=$1 calls=$2 i pids=() status=0
	shift 2
	for ((i = 0; i < clients; i++)); do
		$bin/insist "$sock" $((calls / clients)) "$@" >"$dir/insist.$i" 2>&1 &
		pids+=($!)
	done
	wait "${pids[@]}" || status=$?
	for i in "${pids[@]}"; do wait "$i" || status=1; done
	return $status
}
has_done() { [ "$(cat "$dir"/insist.* 2>/dev/null | grep -cE '^[0-9]+$')" -ge "$1" ]; }
tell() { tail -qn 1 "$dir"/insist.* | sed 's/^/# /'; }

# ---- a socket of systemd's -----------------------------------------------------------------------

systemctl start ruched.socket
ruche ping
first=$(pid_of ruched.service)
insist 4 10000 &
insists=$!
check 'ten thousand calls of four clients are under way' wait_for has_done 10
check 'the service is restarted' systemctl restart ruched.service
check 'in the middle of them' bash -c '! [ "$(cat "$1"/insist.* | grep -c "answered")" -gt 0 ]' - "$dir"
check 'and once more' systemctl restart ruched.service
check 'all are answered, nobody is refused, and nothing is left in doubt' wait $insists
tell
check 'by another daemon' is_restarted "$first"
check_output 'which was not restarted by itself' 0 show ruched.service NRestarts

# ---- a socket of the daemon's own -------------------------------------------------------------------

systemctl stop ruched.socket ruched.service
cat >/run/systemd/system/ruched-own.service <<'END'
[Service]
Type=notify
ExecStart=/usr/local/sbin/ruched --socket /run/own/ruche.sock
RuntimeDirectory=own
RuntimeDirectoryPreserve=restart
User=ruche
Restart=on-failure
RestartSec=2
FileDescriptorStoreMax=16
END
systemctl daemon-reload
sock=/run/own/ruche.sock
check 'a service without a socket unit starts' systemctl start ruched-own.service
check 'and leaves its own socket with systemd' test "$(show ruched-own.service NFileDescriptorStore)" = 1
insist 4 4000 &
insists=$!
wait_for has_done 4
check 'it is restarted while calls come in' systemctl restart ruched-own.service
check 'all are answered, nobody is refused, and nothing is left in doubt' wait $insists
tell
check_output 'the store has still one' 1 show ruched-own.service NFileDescriptorStore
kill -KILL "$(pid_of ruched-own.service)"
check_output 'who calls while there is no daemon waits for the next one' 27 ruche --socket $sock call cube 3
check_output 'which systemd has started' 1 show ruched-own.service NRestarts
systemctl stop ruched-own.service
check_output 'when it is stopped systemd keeps nothing' 0 show ruched-own.service NFileDescriptorStore
rm /run/systemd/system/ruched-own.service

finish
