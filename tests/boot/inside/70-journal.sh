#!/bin/bash
# SPDX-License-Identifier: MIT
# What happens to tasks is in the journal, with fields, and an explanation.
. /ruche-boot/inside/lib.sh

configure ruche <<END
[limits]
quarantine_after = 2
[pool default]
plugin = $plugins/crash.so
workers = 2
END
systemctl start ruched.socket
id=$(ruche submit crash.segv)
ruche wait "$id" >"$dir/wait" 2>&1
entry() { journalctl -u ruched -o json --no-pager RUCHE_TASK="$id" | tail -n 1; }
has_entry() { [ -n "$(entry)" ]; }
check 'a crash is found by its task' wait_for has_entry
says() { entry | grep -qE "\"$1\" ?: ?\"$2\""; }
for field in 'RUCHE_FUNCTION crash.segv' 'RUCHE_EVENT worker-crashed' 'RUCHE_CAUSE signal' 'RUCHE_SIGNAL 11' \
	'RUCHE_POOL default' 'RUCHE_WORKER [0-9]+' 'RUCHE_ATTEMPT 1' 'RUCHE_UID 0' 'MESSAGE_ID [0-9a-f]{32}' 'PRIORITY 4'; do
	# shellcheck disable=SC2086
	check "it says $field" says $field
done
journalctl --update-catalog
check 'the catalogue explains it' bash -c "journalctl -x --no-pager RUCHE_TASK=$id | grep -q 'Defined-By: ruche'"
ruche call crash.segv >"$dir/call" 2>&1
quarantined() { journalctl -q -u ruched RUCHE_EVENT=function-quarantined -o cat | grep -q crash.segv; }
check 'what is quarantined is told' wait_for quarantined

finish
