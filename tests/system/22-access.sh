#!/bin/bash
# SPDX-License-Identifier: MIT
# Several users at one daemon: what another may not see, and each key of [allow NAME].
[ "$(id -u)" -eq 0 ] || {
	echo 'skipped: only root can be several users'
	exit 77
}
[ -z "${RUCHE_TEST_VALGRIND:-}" ] || {
	echo 'skipped: it starts a daemon for each of many configurations'
	exit 77
}
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99
alice=12001 hive=12050
chmod 711 "$dir"
mkdir "$dir/open"
chmod 777 "$dir/open"

may_connect() { # UID GID…
	"$PYTHON3" -B "$top_srcdir/tests/system/access.py" connect "$sock" "$@"
}
may_not_connect() { ! may_connect "$@"; }
mode() { stat -c '%a %g' "$sock"; }

# ---- the socket ------------------------------------------------------------------------

start_daemon --workers 1
check_output 'the socket is the daemon'"'"'s own' '600 0' mode
check 'so another user cannot connect' may_not_connect $alice
stop_daemon

printf '[daemon]\nsocket_mode = 660\nsocket_group = %d\n' $hive >"$dir/conf"
start_daemon --config "$dir/conf" --workers 1
check_output 'it can be for a group' "660 $hive" mode
check 'a user of that group can connect' may_connect $alice $hive
check 'also if it is not the first one' may_connect $alice $alice 4711 $hive
check 'another user cannot' may_not_connect $alice $alice 4711
stop_daemon

# ---- everything else ---------------------------------------------------------------------

# Commands of tasks and of other users are to reach it, wherever the tree is.
printf '[daemon]\nsocket_mode = 666\n' >"$dir/conf"
start_daemon --config "$dir/conf"
check 'it can be for everybody' may_connect $alice
printf '' >"$dir/conf"
check 'everybody sees what is theirs, and may what is allowed' \
	env NESTED="$test_plugins/nested.so" RUCHE_PLUGIN_DIR="$RUCHE_PLUGIN_DIR" \
	"$PYTHON3" -B "$top_srcdir/tests/system/access.py" all "$sock" "$dir/conf" "$dir/open" "$ruche"

# ---- a bad rule ------------------------------------------------------------------------------

printf '[allow x]\nusers = *\nfunctions = [a\n' >"$dir/conf"
check_status 'a bad pattern keeps a reload from being done' 1 "$ruche" reload
check_said 'and is told with its file and line' 'conf:3: functions takes names of functions'
check_status '--check-config says so, too' 1 "$RUCHE_DAEMON" --check-config --config "$dir/conf"
check_said 'with file and line' 'conf:3: '

# ---- what belongs to another user -----------------------------------------------------------

cp "$test_plugins/nested.so" "$dir/theirs.so"
chown $alice "$dir/theirs.so"
check_status 'a plugin of another user is not loaded' 1 "$RUCHE_DAEMON" --check-config --plugin "$dir/theirs.so"
check_said 'and it is said whose it is' "$dir/theirs.so: it belongs to the user $alice; it must belong to root"
printf '' >"$dir/theirs.conf"
chown $alice "$dir/theirs.conf"
check_status 'nor is a configuration' 1 "$RUCHE_DAEMON" --check-config --config "$dir/theirs.conf"
check_said 'which is said as well' "$dir/theirs.conf: it belongs to the user $alice"

# ---- a pool of another user ----------------------------------------------------------------------

printf '[daemon]\nsocket_mode = 666\n[pool default]\nworkers = 1\nuser = nobody\n[allow x]\nusers = %d\ncommands = yes\n' \
	$alice >"$dir/conf"
stop_daemon
if setpriv --reuid=nobody --regid=nogroup --clear-groups test -x "$ruche" -a -r "$RUCHE_PLUGIN_DIR" 2>/dev/null; then
	start_daemon --config "$dir/conf"
	as_alice() { setpriv --reuid=$alice --regid=$alice --clear-groups "$@"; }
	check_output 'its tasks have their caller'"'"'s rights' nobody \
		as_alice "$ruche" run -- "$ruche" run -- id -un
	check_status 'and no others' 77 as_alice "$ruche" run -- env -u RUCHE_TASK "$ruche" run -- true
	check_said 'by themselves they are whom they run as' "uid $(id -u nobody) .in no section .allow.. may not use"
fi
finish
