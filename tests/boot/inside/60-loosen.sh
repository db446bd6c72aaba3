#!/bin/bash
# SPDX-License-Identifier: MIT
# What loosen.conf gives back to tasks, part by part.
. /ruche-boot/inside/lib.sh

# loosen PATTERN…: the parts of the file whose settings match
loosen() {
	sed -n 's/^;//p' /usr/local/share/doc/ruche/loosen.conf | grep -E "$1" >"$dir/settings"
	{ echo '[Service]'; cat "$dir/settings"; } | drop_in ruched.service
	systemctl restart ruched.service
}
task() { ruche run --cwd / -- "$@"; }
systemctl start ruched.socket

loosen 'Network|AddressFamilies=.'
check_output 'the network' 'AF_INET' task python3 -c 'import socket; print(socket.socket().family.name)'
loosen 'ProtectHome'
mkdir /home/open && echo hello >/home/open/file
check_output 'homes' hello task cat /home/open/file
check_status 'and no more than that' 1 task python3 -c 'import socket; socket.socket()'
loosen 'PrivateTmp'
echo outside >/tmp/outside
check_output 'the /tmp of everybody' outside task cat /tmp/outside
rm /tmp/outside

useradd -M guest
configure ruche <<'END'
[pool default]
user = ruche
workers = 1
[pool guest]
user = guest
workers = 1
END
loosen '^User=|^Group=|SETUID|@setuid|ProtectProc'
check_output 'other users' guest ruche run --pool guest --cwd / -- id -un
check_output 'one for each pool' ruche ruche run --cwd / -- id -un
check_output 'whose tasks have no capability' 0000000000000000 ruche run --pool guest --cwd / -- sh -c 'sed -n "s/^CapEff:.//p" /proc/self/status'
check_status 'and cannot become anybody else' 1 ruche run --pool guest --cwd / -- python3 -c 'import os; os.setuid(0)'
check_status 'a crash is found' 1 ruche run --pool guest --cwd / -- sh -c 'kill -9 $PPID'
check_output 'and another worker there' guest ruche run --pool guest --cwd / -- id -un
check_status 'what takes too long is stopped' 124 ruche run --pool guest --timeout 0.2 --cwd / -- sleep 1000
check_output 'with all that they started' '' pgrep -u guest -x sleep

finish
