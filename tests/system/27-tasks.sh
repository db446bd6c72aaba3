#!/bin/bash
# SPDX-License-Identifier: MIT
# Tasks that are submitted and asked for later, from the shell; and the story of one that failed.
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99
cat >"$dir/conf" <<END
[limits]
log_bytes = 64K
[pool default]
workers = 2
grace = 200ms
END
start_daemon --config "$dir/conf" --plugin "$test_plugins/crash.so"

# ---- handles -----------------------------------------------------------------------------

id=$("$ruche" submit cube 3)
check_output 'a result is fetched by its id' 27 "$ruche" result "$id"
check_output 'and again' 27 "$ruche" result "$id"
check_output 'and forgotten' 27 "$ruche" result --forget "$id"
check_status 'and is then unknown' 1 "$ruche" result "$id"
check_said 'which is said' 'unknown_task'

long=$("$ruche" submit --tag 'the long one' sleep 1000)
check_status 'a wait runs out of time' 124 "$ruche" wait --timeout 0.1 "$long"
short=$("$ruche" submit sleep 0.1)
check_status 'any of several' 0 "$ruche" wait --any "$long" "$short"
runs() { "$ruche" status --json "$long" | grep -q '"running"'; }
check 'its state is told' wait_for runs
check_output 'it is in the list' 1 sh -c "'$ruche' tasks | grep -c 'the long one'"
check_output 'it is cancelled' "$long stopping" sh -c "'$ruche' cancel $long | sed 's/: */ /'"
check_status 'which is its end' 1 "$ruche" wait "$long"
check_said 'and its story' 'cancelled'
check_output 'too late' "$short finished" sh -c "'$ruche' cancel $short | sed 's/: */ /'"

same=$("$ruche" submit --key once sleep 0.1)
check_output 'a key: the first one, never a second' "$same" "$ruche" submit --key once sleep 0.1

# ---- output --------------------------------------------------------------------------------

id=$("$ruche" submit -- sh -c 'echo one; echo two >&2; sleep 0.2; printf "\0three\n"; exit 5')
"$ruche" log -f "$id" >"$dir/out" 2>"$dir/err"
check_output 'the output of a command is followed to its end, binary-safe' "$(printf 'one\n@three\n')" \
	sh -c "tr '\\0' @ <'$dir/out'"
check_output 'each stream to its own' two cat "$dir/err"
check_status 'its result is its output and its exit status' 5 "$ruche" result "$id"
id=$("$ruche" submit -- sh -c 'echo first; head -c 1000000 /dev/zero | tr "\0" x; echo; echo last')
"$ruche" wait "$id" >/dev/null
"$ruche" log "$id" >"$dir/out" 2>"$dir/err"
check 'much output is cut in the middle' \
	sh -c "head -1 '$dir/out' | grep -qx first && tail -1 '$dir/out' | grep -qx last"
check 'and bounded' test "$(stat -c %s "$dir/out")" -lt 140000
check 'with a clear mark' grep -Eq '^\[\.\.\. [0-9]+ bytes cut \.\.\.\]$' "$dir/err"

# ---- the same story -------------------------------------------------------------------------

id=$("$ruche" submit --attempts 3 --backoff 0.05 crash.stderr 'the last words')
"$ruche" wait "$id" >/dev/null 2>"$dir/told"
"$top_builddir/tests/system/story" "$sock" "$id" >"$dir/story"
sed 's/^/# /' "$dir/story"
for fact in 'signal 11' 'attempts: 3' 'peak memory' 'queued 0' 'ran 0' 'executed: maybe' crashed; do
	check "a program is told: $fact" grep -qF "$fact" "$dir/story"
done
line_in_both() { grep -qF -- "$(sed -n "$1p" "$dir/story")" "$dir/told"; }
check 'ruche wait says the same of what happened' line_in_both 1
check 'and word by word the same of all else' line_in_both 2

# ---- quarantine -----------------------------------------------------------------------------

for _ in 1 2 3 4 5 6 7; do "$ruche" call crash.stderr x 2>/dev/null; done
check_status 'ten crashes running' 1 "$ruche" call crash.stderr x
check_said 'put a function in quarantine' quarantined
check_output 'others are called' 27 "$ruche" call cube 3
check_output 'it is listed' 1 sh -c "'$ruche' quarantine | grep -c '^crash.stderr.*10.*signal 11'"
check_status 'and released' 0 "$ruche" quarantine --release crash.stderr
check_status 'and called again' 1 "$ruche" call crash.stderr x
check_said 'as before' crashed
finish
