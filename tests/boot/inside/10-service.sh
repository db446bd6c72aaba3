#!/bin/bash
# SPDX-License-Identifier: MIT
# From an installation to an answer: the user, the directory, the units; who may connect; what tasks may do.
. /ruche-boot/inside/lib.sh

# ---- what is there after a boot ------------------------------------------------------------------

check_output 'sysusers has made the user' "ruche:/var/lib/ruche" bash -c 'getent passwd ruche | cut -d: -f1,6 | tr -d "\n"'
check 'and the group' getent group ruche
check_output 'tmpfiles has made the directory of the sockets, which is root alone to write' 'root:root 755' stat -c '%U:%G %a' /run/ruche
check_output 'the units are good' '' systemd-analyze verify --man=no ruched.service ruched.socket ruched@x.service ruched@x.socket
check 'and safe' bash -c 'systemd-analyze security --no-pager --threshold=15 ruched.service >/dev/null'

# ---- the first call ----------------------------------------------------------------------------------

check 'the socket is started' systemctl start ruched.socket
check_output 'the service is not' inactive systemctl is-active ruched.service
check_output 'until the first call, which is answered' 27 ruche call cube 3
check_output 'by a daemon that is not root' ruche ps -o user= -p "$(pid_of ruched.service)"
check_output 'nor are tasks' ruche ruche run --cwd / -- id -un
cores=$(nproc)
says() { systemctl status --no-pager ruched.service | grep -qE "Status: \"$1\""; }
check 'systemctl status tells what there is' wait_for says "$cores workers, 0 running, 0 queued"
ruche call sleep 1000 2>/dev/null &
check 'and what runs' wait_for says "$cores workers, 1 running, 0 queued"
kill %1
wait
check 'and that it ended' wait_for says "$cores workers, 0 running, 0 queued"

# ---- who may connect ------------------------------------------------------------------------------------

useradd -M -G ruche member
useradd -M stranger
check_output 'the socket is the group only' 'root:ruche 660' stat -c '%U:%G %a' $sock
check_output 'a member of the group can call' 27 as member ruche call cube 3
check_status 'nobody else' 69 as stranger ruche call cube 3
check_said 'who is told' 'Permission denied'
check_status 'nor can it see that there is anything' 69 as stranger ruche status

# ---- the sandbox -----------------------------------------------------------------------------------------

task() { ruche run --cwd / -- "$@"; }
check_output 'no network but a dead end' '' task sh -c 'cd /sys/class/net && for i in *; do [ "$i" = lo ] || echo $i; done'
check_status 'not even a socket for one' 1 task python3 -c 'import socket; socket.socket()'
check_status 'no homes' 2 task ls /root
check_status 'nothing to write to' 2 task sh -c 'echo x >/etc/x'
check_output 'but a directory of its own' 'x' task sh -c 'echo x >/var/lib/ruche/x && cat /var/lib/ruche/x && rm /var/lib/ruche/x'
touch /tmp/outside
check_output 'and a /tmp' '' task sh -c 'echo x >/tmp/inside && ls /tmp/outside 2>/dev/null'
check 'that nobody else sees' test ! -e /tmp/inside
rm /tmp/outside
check_output 'no capability' '0000000000000000' task sh -c 'sed -n "s/^CapBnd:.//p" /proc/self/status'
check_status 'nor a way to get one' 1 task sh -c 'exec unshare --user true'
check_output 'workers are pinned all the same' "$cores" bash -c 'ruche workers | awk "NR > 1 { print \$3 }" | sort -u | wc -l'
cat >"$dir/landlock.py" <<'END'
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
version = libc.syscall(444, None, 0, 1)  # landlock_create_ruleset: which version is there?
errno = ctypes.get_errno()
print("allowed" if version > 0 or errno in (38, 95) else errno)
END
check_output 'a task may shut itself in further, where the kernel can' allowed task python3 -c "$(cat "$dir/landlock.py")"
check_output 'programs in memory run' 'from memory' task python3 -c '
import os
fd = os.memfd_create("x")
os.write(fd, open("/bin/echo", "rb").read())
os.execve(fd, ["echo", "from memory"], {})'
check_output 'an own file can be copied with all that belongs to it' 0 task sh -c 'cd /tmp && touch a && cp --preserve=all a b && tar cf - a | tar xf - -C /var/tmp; echo $?'
score=$(cat "/proc/$(pid_of ruched.service)/oom_score_adj")
check 'the daemon is spared when memory runs out, if systemd may do that' test "$score" = -500 -o "$score" = "$(cat /proc/1/oom_score_adj)"
[ "$score" = -500 ] || echo '# it may not'
check 'tasks are not' test "$(task cat /proc/self/oom_score_adj)" -ge 0

finish
