#!/bin/bash
# SPDX-License-Identifier: MIT
# Further instances beside the daemon, and a user's own.
. /ruche-boot/inside/lib.sh

# ---- instances ----------------------------------------------------------------------------------------

useradd -M -G ruche other
configure video <<'END'
[pool default]
workers = 1
END
systemctl start ruched.socket ruched@video.socket
video() { ruche --socket /run/ruche/video.sock "$@"; }
check_output 'an instance has a socket of its own' 27 video call cube 3
check_output 'and its own configuration' 1 bash -c "ruche --socket /run/ruche/video.sock pool | awk '\$1 == \"default\" { print \$3 }'"
check_output 'beside the daemon' 27 ruche call cube 3
check 'which is another' test "$(pid_of ruched.service)" != "$(pid_of ruched@video.service)"
check_output 'its tasks call it, and not the other' /run/ruche/video.sock video run --cwd / -- printenv RUCHE_SOCKET
check 'it is reloaded by itself' systemctl reload ruched@video.service
check_output 'who is in the group can call it' 27 as other ruche --socket /run/ruche/video.sock call cube 3
check 'and it is stopped by itself' systemctl stop ruched@video.socket ruched@video.service
check_output 'the daemon goes on' 27 ruche call cube 3
check_status 'an instance without a configuration does not start' 1 systemctl start ruched@none.service
check 'and says what is missing' bash -c 'journalctl --no-pager -u ruched@none.service | grep -q "none.conf"'
systemctl stop ruched@none.socket ruched@none.service
systemctl reset-failed

# ---- a user's own -------------------------------------------------------------------------------------------

useradd -m hugo
install -d -o hugo -g hugo -m 700 /run/user/hugo
cat >/run/systemd/system/hugo.service <<'END'
[Service]
Type=notify
User=hugo
Environment=XDG_RUNTIME_DIR=/run/user/hugo
ExecStart=/lib/systemd/systemd --user
Delegate=yes
KillMode=mixed
END
systemctl daemon-reload
check 'a user has a systemd' systemctl start hugo.service
hugo() { as hugo env HOME=/home/hugo XDG_RUNTIME_DIR=/run/user/hugo "$@"; }
check 'which starts the socket' hugo systemctl --user start ruched.socket
check_output 'a call finds it, and starts the service' 27 hugo ruche call cube 3
check 'as the status says' bash -c 'setpriv --reuid hugo --regid hugo --init-groups env XDG_RUNTIME_DIR=/run/user/hugo systemctl --user status --no-pager ruched.service | grep -q "Status: .*workers, 0 running"'
check_output 'tasks are the user' hugo hugo ruche run --cwd / -- id -un
check_output 'and have what is the user'"'s" 'mine' hugo ruche run --cwd /home/hugo -- sh -c 'echo mine >file && cat file'
check_status 'another user cannot connect' 69 as other ruche --socket /run/user/hugo/ruche/ruche.sock call cube 3
check 'it is reloaded' hugo systemctl --user reload ruched.service
check 'and stopped' hugo systemctl --user stop ruched.socket ruched.service
check_output 'it leaves no socket' '' find /run/user/hugo/ruche -type s
systemctl stop hugo.service
rm /run/systemd/system/hugo.service

finish
