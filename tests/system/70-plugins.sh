#!/bin/bash
# SPDX-License-Identifier: MIT
# Plugins that are no good: the daemon says which and why, and what to do.
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99

# refuses CLAIM PATTERN PLUGIN…
refuses() {
	local claim=$1 pattern=$2 plugin options=()
	shift 2
	for plugin; do options+=(--plugin "$plugin"); done
	check_status "$claim: the daemon does not start" 1 \
		timeout 20 "$RUCHE_DAEMON" --socket "$sock" "${options[@]}"
	check_said "$claim: it says so" "$pattern"
	check_said "$claim: it names the file" "$(basename "${!#}")"
	check "$claim: no socket is left" test ! -e "$sock"
}
refuses 'a plugin that is not there' 'No such file|cannot' "$dir/missing.so"
echo 'not a plugin' >"$dir/text.so"
refuses 'a file that is no plugin' 'load' "$dir/text.so"
refuses 'a wrong ABI version' 'ABI' "$test_plugins/bad_abi.so"
refuses 'a bad function name' 'name' "$test_plugins/bad_name.so"
refuses 'a plugin without the symbol' 'ruche_plugin' "$test_plugins/no_symbol.so"
refuses 'a name that is taken' 'cube' "$test_plugins/dup.so"
check_said 'a name that is taken: it names the other file too' 'tutorial.so'


# ---- what others can change is not loaded

if [ -z "${RUCHE_TRUST:-}" ]; then
mkdir "$dir/sub"
cp "$test_plugins/nested.so" "$dir/sub/mine.so"
ln -s sub/mine.so "$dir/link.so"
chmod 644 "$dir/sub/mine.so"
chmod 755 "$dir/sub"
check_status 'a plugin that only we can change is good' 0 \
	"$RUCHE_DAEMON" --check-config --plugin "$dir/link.so"
chmod 646 "$dir/sub/mine.so"
refuses 'a plugin that others can change' "$dir/sub/mine.so: others may change it .mode 646.; chmod go-w it" "$dir/sub/mine.so"
chmod 644 "$dir/sub/mine.so"
chmod 757 "$dir/sub"
refuses 'a plugin whose folder others can change' "$dir/sub: others may change it .mode 757." "$dir/sub/mine.so"
refuses 'a plugin by a link' "$dir/sub: others may change it" "$dir/link.so"
chmod 1777 "$dir/sub"
check_status 'a folder like /tmp is good' 0 "$RUCHE_DAEMON" --check-config --plugin "$dir/link.so"
chmod 755 "$dir/sub"

start_daemon --workers 1
printf '[pool default]\nplugin = %s\n' "$dir/link.so" >"$dir/conf"
chmod 666 "$dir/conf"
check_status 'a configuration that others can change is not read' 1 \
	"$RUCHE_DAEMON" --check-config --config "$dir/conf"
check_said 'which is said' "$dir/conf: it is not read, because of $dir/conf: others may change it"
chmod 644 "$dir/conf"
stop_daemon
start_daemon --config "$dir/conf" --workers 1
chmod 646 "$dir/sub/mine.so"
check_status 'a reload does not load a plugin that others can change' 1 "$ruche" reload
check_said 'and says why nothing was changed' "nothing was changed: .*$dir/sub/mine.so: others may change it"
check_output 'the code that was there goes on' 2 "$ruche" call nested.deep 2
chmod 644 "$dir/sub/mine.so"
check_status 'once it is ours alone it is loaded' 0 "$ruche" reload
stop_daemon
fi

check_status 'a good configuration is called good' 0 "$RUCHE_DAEMON" --check-config
check_said 'with what was found' 'functions'
check_status 'a bad one is not' 1 "$RUCHE_DAEMON" --check-config --plugin "$dir/text.so"
check 'and no socket was made' test ! -e "$sock"
check_status 'without the fork server it does not start' 1 \
	env RUCHE_FORKSERVER="$dir/none" "$RUCHE_DAEMON" --socket "$sock"
# Under valgrind posix_spawn() cannot tell that there is no such program.
[ -n "${RUCHE_TEST_VALGRIND:-}" ] || check_said 'and names it' "$dir/none"
check_status 'an option that is none' 64 "$RUCHE_DAEMON" --nonsense
check_status 'an argument too many' 64 "$RUCHE_DAEMON" file
check_status 'no workers at all' 64 "$RUCHE_DAEMON" --workers 0

# ---- an init that never succeeds: backs off, gives up, says so
for how in fails dies; do
	"$RUCHE_DAEMON" --socket "$sock" --workers 2 --plugin "$test_plugins/init_$how.so" \
		>"$dir/log" 2>&1 &
	daemon=$!
	wait_for "$ruche" ping
	"$ruche" call --json cube 3 2>"$dir/stderr" >"$dir/stdout" # asked while it still tries
	check "init $how: the call is answered, not left hanging" \
		grep -q '"unavailable"' "$dir/stdout" "$dir/stderr"
	check "init $how: every worker was given up" test "$(status_of workers failed)" = 2
	check "init $how: the status says why" test "$(status_of problem)" != null
	check_status "init $how: a later call too" 69 "$ruche" call cube 3
	check "init $how: the log says so" grep -q 'given up' "$dir/log"
	[ "$how" = dies ] || check 'init fails: with its own words' \
		bash -c '"$0" status --json | grep -q "init"' "$ruche"
	kill -TERM "$daemon"
	wait "$daemon"
	check "init $how: the daemon ends well" test $? -eq 0
	daemon=0
done
check 'no process is left behind' wait_for nothing_left
finish
