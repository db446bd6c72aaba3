#!/bin/bash
# SPDX-License-Identifier: MIT
# A worker that takes more memory than it may: only its task fails, which is told why.
. /ruche-boot/inside/lib.sh

# Where groups are of version 1 only root is given them.
if [ ! -e /sys/fs/cgroup/cgroup.controllers ]; then
	if [ ! -d /sys/fs/cgroup/memory ]; then
		echo 'ok - # SKIP no hierarchy has the memory of processes'
		echo '1..1'
		exit 0
	fi
	drop_in ruched.service <<'END'
[Service]
User=root
Group=root
END
fi
configure ruche <<END
[pool default]
plugin = $plugins/crash.so
workers = 2
memory_max = 128M
END
systemctl start ruched.socket
ruche call sleep 1000 >"$dir/neighbour" 2>&1 &
neighbour=$!
runs() { [ "$(status_of running)" = 1 ]; }
check 'a neighbour is at work' wait_for runs
pid=$(pid_of ruched.service)
check_status 'a function that takes more fails' 1 ruche --json call test.grow 400000000
check_said 'for want of memory' '"cause": "out_of_memory"'
check_said 'and is told its peak' '"peak_memory": 1[23][0-9]{7}'
check_status 'a command as well' 1 ruche --json run --cwd / -- python3 -c 'x = bytearray(400 << 20)'
check_said 'for want of memory' '"cause": "out_of_memory"'
check 'the neighbour goes on' runs
check_output 'as does the daemon' "$pid" pid_of ruched.service
check_output 'which was not restarted' 0 show ruched.service NRestarts
told() { journalctl -q -u ruched RUCHE_CAUSE=out_of_memory -o cat | grep -q 'its peak was'; }
check 'the journal has it' wait_for told
check 'groups stay over an upgrade' ruche upgrade
check_status 'and bite' 1 ruche --json call test.grow 400000000
check_said 'for want of memory' '"cause": "out_of_memory"'
kill $neighbour
wait $neighbour 2>/dev/null
systemctl stop ruched.socket ruched.service
check_output 'no group is left' '' find /sys/fs/cgroup -type d -name 'ruche-[0-9]*'

finish
