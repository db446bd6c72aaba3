#!/bin/bash
# SPDX-License-Identifier: MIT
# What comes to a real journal: entries with fields, each once and none forged, bounded in a storm, with a catalogue.
# And that the daemon goes on when the journal does not.
# Below a /run of its own, where the machine's journal is not seen.
if [ -z "${RUCHE_TEST_JOURNAL:-}" ]; then
	skip() { echo "1..0 # SKIP $1"; exit 77; }
	[ "$(id -u)" -eq 0 ] || skip 'a mount namespace wants root'
	[ -x /lib/systemd/systemd-journald ] || skip 'there is no systemd-journald'
	unshare --mount --net --propagation private \
		sh -c 'mount -t tmpfs none /run && mount -t tmpfs none /var/log' 2>/dev/null ||
		skip 'no mount namespace is to be had'
	RUCHE_TEST_JOURNAL=1 exec unshare --mount --net --propagation private bash "$0"
fi
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99
"$ruche" --version >/dev/null || exit 99
[ -z "${RUCHE_TEST_VALGRIND:-}" ] || times=5
mount -t tmpfs none /run && mount -t tmpfs none /var/log || exit 99
[ ! -d /var/lib/systemd/catalog ] || mount -t tmpfs none /var/lib/systemd/catalog || exit 99
mkdir -p /run/systemd/journal /run/systemd/journald.conf.d /run/log
printf '[Journal]\nStorage=volatile\nReadKMsg=no\nRateLimitIntervalSec=0\n' >/run/systemd/journald.conf.d/test.conf
echo 512 >/proc/sys/net/unix/max_dgram_qlen # as systemd sets it
/lib/systemd/systemd-journald </dev/null >"$dir/journald.log" 2>&1 &
journald=$!
trap 'kill -CONT $journald; kill -TERM $journald; on_exit' EXIT
wait_for test -S /run/systemd/journal/socket

# A daemon as a service: all it says goes to the journal.
journal() { "$PYTHON3" -B "$top_srcdir/tests/system/journal.py" "$@"; }
cat >"$dir/ruched" <<END
#!/bin/sh
exec '$PYTHON3' -B '$top_srcdir/tests/system/journal.py' run '$RUCHE_DAEMON' "\$@"
END
chmod +x "$dir/ruched"
plain_daemon=$RUCHE_DAEMON
RUCHE_DAEMON=$dir/ruched
cat >"$dir/conf" <<END
[limits]
quarantine_after = 3
[pool default]
workers = 2
grace = 100ms
plugin = $test_plugins/crash.so
END

# has MATCH…: some entry matches
has() { [ -n "$(journalctl -q -n 1 -o cat "$@")" ]; }
# comes CLAIM MATCH…
comes() {
	local claim=$1
	shift
	check "$claim" wait_for has "$@"
}
id_of() { sed -n "s/.*{\"$1\", *\"\([0-9a-f]*\)\".*/\1/p" "$top_srcdir/src/supervisor/notice_kinds.c"; }

start_daemon --config "$dir/conf"
comes 'the start is found by its id' MESSAGE_ID="$(id_of daemon-started)" RUCHE_EVENT=daemon-started _PID=$daemon

# ---- a crash -------------------------------------------------------------------------------

id=$("$ruche" submit --tag nightly crash.stderr $'"first\\nPRIORITY=0\\nRUCHE_FUNCTION=forged\\u001b[2J"')
"$ruche" wait "$id" 2>/dev/null
comes 'a crash is found by the id of its task' RUCHE_TASK="$id"
journal show RUCHE_TASK="$id" >"$dir/entry"
for line in "RUCHE_FUNCTION='crash.stderr'" "RUCHE_EVENT='worker-crashed'" "RUCHE_CAUSE='signal'" "RUCHE_SIGNAL='11'" \
	"RUCHE_POOL='default'" "RUCHE_ATTEMPT='1'" "RUCHE_TAG='nightly'" "RUCHE_UID='0'" "PRIORITY='4'" \
	"SYSLOG_IDENTIFIER='ruched'" "_TRANSPORT='journal'" "_PID='$daemon'" "MESSAGE_ID='$(id_of worker-crashed)'" \
	"RUCHE_STDERR='first\\nPRIORITY=0\\nRUCHE_FUNCTION=forged\\\\x1b[2J\\n'"; do
	check "it says $line" grep -Fxq -- "$line" "$dir/entry"
done
check 'and the worker and its pid' grep -Eq "^RUCHE_WORKER='[01]'$" "$dir/entry"
check 'the text tells it too, in one line' grep -Eq \
	"^MESSAGE='worker [01] .* \(SIGSEGV\) while it ran crash.stderr; it last wrote: RUCHE_FUNCTION=forged" "$dir/entry"
[ "$failures" -eq 0 ] || sed 's/^/# /' "$dir/entry"
once() { [ "$(journalctl -q -o cat --output-fields=MESSAGE | grep -c 'while it ran crash.stderr')" -eq 1 ]; }
check 'it is there once' once
check 'what a task wrote makes no field' bash -c '[ -z "$(journalctl -q -o cat RUCHE_FUNCTION=forged)" ]'
"$ruche" call crash.exit 3 2>/dev/null
comes 'an exit status' RUCHE_FUNCTION=crash.exit RUCHE_CAUSE=exit RUCHE_EXIT_STATUS=3

# ---- others ----------------------------------------------------------------------------------

"$ruche" call --timeout 0.1 crash.stop 2>/dev/null
comes 'a task that would not stop' RUCHE_EVENT=task-killed RUCHE_FUNCTION=crash.stop RUCHE_CAUSE=timeout
check 'and its worker was not said to have crashed' bash -c \
	'[ -z "$(journalctl -q -o cat RUCHE_EVENT=worker-crashed RUCHE_FUNCTION=crash.stop)" ]'
"$ruche" call crash.garbage >/dev/null 2>&1
comes 'a worker that broke the rules' RUCHE_EVENT=worker-killed RUCHE_CAUSE=protocol
for _ in 1 2 3; do "$ruche" call crash.abort 2>/dev/null; done
comes 'quarantine' RUCHE_EVENT=function-quarantined RUCHE_FUNCTION=crash.abort RUCHE_COUNT=3
"$ruche" quarantine --release crash.abort >/dev/null
comes 'its end' RUCHE_EVENT=function-released RUCHE_FUNCTION=crash.abort RUCHE_UID=0
wait_for all_idle
kill -KILL "$(worker_pid 1)"
comes 'a worker that somebody kills' RUCHE_EVENT=worker-died RUCHE_WORKER=1 RUCHE_SIGNAL=9
"$ruche" pause
comes 'a pause' RUCHE_EVENT=pool-paused RUCHE_POOL=default RUCHE_UID=0
"$ruche" drain
comes 'a drain' RUCHE_EVENT=pool-draining RUCHE_POOL=default
comes 'and that it is done' RUCHE_EVENT=pool-drained RUCHE_POOL=default
"$ruche" resume
comes 'that it goes on' RUCHE_EVENT=pool-resumed RUCHE_POOL=default
"$ruche" pool resize default 3
comes 'another size' RUCHE_EVENT=pool-resized RUCHE_POOL=default
"$ruche" reload
comes 'a reload' RUCHE_EVENT=reload-begun RUCHE_UID=0
comes 'and its end' RUCHE_EVENT=reload-done
echo nonsense >>"$dir/conf"
"$ruche" reload 2>/dev/null
comes 'one that fails' RUCHE_EVENT=reload-failed PRIORITY=3
sed -i '$d' "$dir/conf"
"$ruche" upgrade
comes 'an upgrade' RUCHE_EVENT=upgrade-begun RUCHE_UID=0
comes 'and its end, by the program that took over' RUCHE_EVENT=upgrade-done _PID="$daemon"
wait_for all_idle
kill -KILL "$(pgrep -P "$daemon" -f ruche-forkserver | head -1)"
comes 'the death of a fork server' RUCHE_EVENT=fork-server-died RUCHE_CAUSE=signal RUCHE_SIGNAL=9
wait_for all_idle

# ---- the catalogue -------------------------------------------------------------------------------

if [ -d /var/lib/systemd/catalog ] && [ -d /usr/lib/systemd/catalog ]; then
	mount -t tmpfs none /usr/lib/systemd/catalog && cp "$top_srcdir/systemd/ruche.catalog" /usr/lib/systemd/catalog/
	check 'the catalogue is taken' journalctl --update-catalog
	journalctl -q -x RUCHE_TASK="$id" >"$dir/explained"
	check 'and explains a crash' grep -q 'Subject: A worker died while it ran crash.stderr' "$dir/explained"
	check 'with its fields filled in' bash -c '! grep "^-- .*@" "$1"' - "$dir/explained"
fi

# ---- a journal that stands still ------------------------------------------------------------------

kill -STOP $journald
journal fill "$daemon"
# Each of these is told, so a daemon that waits for the journal answers none of them.
goes_on() {
	local i
	for ((i = 0; i < ${times:-12}; i++)); do
		timeout 20 "$ruche" pause && timeout 20 "$ruche" resume || return 1
	done
	timeout 20 "$ruche" call crash.segv 2>/dev/null
	[ "$(timeout 20 "$ruche" call cube 3)" = 27 ]
}
check 'the daemon goes on when the journal does not' goes_on
kill -CONT $journald
written() { "$ruche" call crash.exit 4 2>/dev/null; has RUCHE_EXIT_STATUS=4; }
check 'and says more when the journal goes on' wait_for written
kill -TERM "$daemon"
comes 'its end as well' RUCHE_EVENT=daemon-ended _PID=$daemon
check 'the daemon ends well' wait "$daemon"
lost() { journalctl -q -o cat --output-fields=MESSAGE | grep -Eq '^lines that nobody took in time: [1-9]'; }
check 'what was lost was counted' lost
daemon=0

# ---- a storm --------------------------------------------------------------------------------------

sed -i 's/^quarantine_after.*/quarantine_after = 0/' "$dir/conf"
start_daemon --config "$dir/conf"
for ((i = 0; i < 100; i++)); do echo 3; done | "$ruche" map crash.exit >/dev/null 2>&1
"$ruche" status --json >"$dir/status"
crashed=$(field crashed <"$dir/status")
pid=$daemon
stop_daemon
check 'a storm of crashes' test "$crashed" -ge 100
# A worker that takes its time to die, on a busy machine, is killed: that is told as such.
count() {
	local event said_now left_now
	said=0 left_out=0
	for event in worker-crashed worker-killed; do
		read -r said_now _ < <(journal sum RUCHE_COUNT RUCHE_EVENT=$event _PID="$pid")
		read -r _ left_now < <(journal sum RUCHE_COUNT RUCHE_EVENT=messages-left-out RUCHE_LEFT_OUT=$event _PID="$pid")
		said=$((said + said_now)) left_out=$((left_out + left_now))
	done
	[ $((said + left_out)) -eq "$crashed" ]
}
wait_for count # the journal may still be writing
echo "# $crashed crashed: $said were told, $left_out left out"
check 'some of it is told' test "$said" -ge 20
check 'most is left out' test "$said" -lt "$crashed"
check 'and accounted for' test $((said + left_out)) -eq "$crashed"

# ---- without a journal ------------------------------------------------------------------------------

RUCHE_DAEMON=$plain_daemon start_daemon --config "$dir/conf"
"$ruche" call crash.stderr last-words 2>/dev/null
stop_daemon
check 'elsewhere the same is said on stderr' grep -q '^ruched: worker .* while it ran crash.stderr$' "$daemon_log"
check 'with the last words' grep -q '^ruched: worker . last wrote: last-words' "$daemon_log"
finish
