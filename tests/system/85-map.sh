#!/bin/bash
# SPDX-License-Identifier: MIT
# `ruche map`: a task for each line.
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99
start_daemon --plugin "$test_plugins/crash.so"

check_output 'a hundred thousand lines in order' "$(seq 1 100000 | md5sum)" \
	bash -c "seq 1 100000 | '$ruche' map echo | md5sum"
check_output 'unordered: the same lines' "$(seq 1 20000 | md5sum)" \
	bash -c "seq 1 20000 | '$ruche' map --unordered echo | sort -n | md5sum"

# The first of two items ends when the second one's result is there, or when that has run.
cat >"$dir/late" <<'END'
case $1 in
first) until grep -q second "$2"; do sleep 0.01; done ;;
second) echo second >>"$3" ;;
esac
echo "$1"
END
two_items() { # WHERE-THE-FIRST-LOOKS OPTION…
	local seen=$1
	shift
	: >"$dir/pair"
	: >"$dir/ran"
	printf 'first\nsecond\n' |
		timeout 20 "$ruche" map "$@" -- sh "$dir/late" {} "$seen" "$dir/ran" >"$dir/pair"
	tr '\n' ' ' <"$dir/pair"
}
check_output 'as they finish' 'second first ' two_items "$dir/pair" --unordered
check_output 'in order' 'first second ' two_items "$dir/ran"
check_output 'fixed arguments come first' '25 168 ' \
	bash -c "printf '100\n1000\n' | '$ruche' map primes.count 0 | tr '\n' ' '"
check_output 'lines that are not JSON are strings' '"a b""" "x' \
	bash -c "printf 'a b\n\n' | '$ruche' map --json echo | '$PYTHON3' -c '
import sys, json
for l in sys.stdin: print(json.dumps(json.loads(l)[\"result\"]), end=\"\")
print(\" \\\"x\")'"
check_output 'no input, no output' '' bash -c "'$ruche' map cube </dev/null"

printf '1\nx\n3\n' >"$dir/items"
check_status 'one item that fails' 1 bash -c "'$ruche' map cube <'$dir/items'"
check 'does not keep back the others' test "$(tr '\n' ' ' <"$dir/stdout")" = '1 27 '
check_said 'and is named by its number' 'item 2'
check_status 'one item that crashes' 1 \
	bash -c "printf '1\n2\n3\n' | '$ruche' map -- sh -c 'test {} != 2 && echo {}'"
check 'costs no other' test "$(tr '\n' ' ' <"$dir/stdout")" = '1 3 '

# Large results wait for the slow first item, and then for a reader that takes its time.
cat >"$dir/large" <<'END'
test "$1" != 1 || sleep 0.3
printf '%0100000d\n' "$1"
END
large() { seq -f %0100000.0f 1 60; }
check_output 'megabytes of results that wait, in order' "$(large | md5sum)" bash -c "
	seq 1 60 | '$ruche' map -- sh '$dir/large' {} | { sleep 0.3; md5sum; }"
check_output 'and as they finish' "$(large | sort | md5sum)" bash -c "
	seq 1 60 | '$ruche' map --unordered -- sh '$dir/large' {} | { sleep 0.3; sort; } | md5sum"

# It does not swallow its input: what it has not begun is left for the next reader.
mkfifo "$dir/fifo"
"$ruche" map echo <"$dir/fifo" >"$dir/live" &
live=$!
exec 9>"$dir/fifo"
echo 1 >&9
check 'a result comes before the input ends' wait_for grep -q 1 "$dir/live"
exec 9>&-
wait "$live"
check 'an endless input into head ends' timeout 20 bash -c "yes 7 | '$ruche' map square | head -3 >/dev/null"
check 'and the pool is free again' wait_for all_idle

# Items go to workers in chunks; one that crashes costs no other its result.
{
	seq 1 20 | sed "s|.*|[\"$dir/journal\", &, \"ok\"]|"
	echo "[\"$dir/journal\", 21, \"segv\"]"
	echo "[\"$dir/journal\", 0, \"segv\"]"
	seq 22 60 | sed "s|.*|[\"$dir/journal\", &, \"ok\"]|"
} >"$dir/items"
check_output 'a crash in the middle of a chunk, or at its first item' "$(seq 1 20; seq 22 60)" \
	"$ruche" map --star --chunk 30 test.mixed <"$dir/items"
check 'is told with its index' grep -q 'item 21: .*crashed' "$dir/stderr"
check_output 'and no item was run twice' "$(seq 0 60)" sort -n "$dir/journal"

background "$ruche" map sleep >/dev/null 2>"$dir/stderr" < <(yes 1000)
busy() { [ "$(status_of running)" = 2 ]; }
wait_for busy
kill -INT "$background"
wait "$background"
check 'SIGINT ends a map' test $? -eq 130
check 'and cancels all of it' wait_for all_idle
finish
