#!/bin/bash
# SPDX-License-Identifier: MIT
# The configuration: which file is read, what stands over what, and what is said of errors.
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99

conf=$dir/ruche.conf
unset RUCHE_CONFIG
workers_are() {
	[ "$(status_of workers total)" = "$1" ]
}

# ---- errors
printf '[limits]\nframe = much\n' >"$conf"
check_status 'a bad value: the daemon does not start' 1 "$RUCHE_DAEMON" --config "$conf"
check_said 'with file, line and what is allowed' "$conf:2: frame takes a size from 64K to 2G"
check_status 'nor by the environment' 1 env RUCHE_CONFIG="$conf" "$RUCHE_DAEMON"
check_said 'which names it as well' "$conf:2: "
check_status 'it is not called good' 1 "$RUCHE_DAEMON" --check-config --config "$conf"
check_status 'a file that is named must be there' 1 "$RUCHE_DAEMON" --config "$dir/none.conf"
check_said 'and is named' "$dir/none.conf: No such file"
check_status 'a folder is no file' 1 "$RUCHE_DAEMON" --config "$dir"
check_output 'a private daemon does not look at it' 27 \
	env RUCHE_CONFIG="$conf" "$ruche" --private call cube 3

# ---- what stands over what
printf '[daemon]\nsocket = %s\n[pool default]\nworkers = 1\n' "$sock" >"$conf"
mkdir "$conf.d"
printf '[pool default]\nworkers = 3\n' >"$conf.d/50-more.conf"
check_status 'a good file is called good' 0 "$RUCHE_DAEMON" --check-config --config "$conf"
RUCHE_CONFIG=$conf "$RUCHE_DAEMON" >>"$daemon_log" 2>&1 &
daemon=$!
check 'the socket is that of the file' wait_for "$ruche" ping
check 'the workers are those of the drop-in' workers_are 3
stop_daemon
RUCHE_CONFIG=$conf "$RUCHE_DAEMON" --workers 2 >>"$daemon_log" 2>&1 &
daemon=$!
check 'and again' wait_for "$ruche" ping
check 'but the command line stands over both' workers_are 2
finish
