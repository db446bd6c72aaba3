#!/bin/bash
# SPDX-License-Identifier: MIT
# Queues, locks and the other objects in a shell, and what becomes of them when somebody is killed.
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99
start_daemon --workers 2

# object_field NAME KEY…
object_field() {
	local name=$1
	shift
	"$ruche" objects "$name" --json | field "$@"
}
# is NAME KEY VALUE
is() { [ "$(object_field "$1" "$2")" = "$3" ]; }
gone() { ! "$ruche" objects "$1" >/dev/null 2>&1; }
held() { "$ruche" objects "$1" 2>/dev/null | grep -q '^held by'; }

# ---- queues

check_status 'values are put' 0 "$ruche" queue put q 1 '{"a": 2}' three -4
check_output 'and counted' 4 "$ruche" queue size q
check_output 'one is got' 1 "$ruche" queue get q
check_output 'strings as they are, other values as JSON' '{"a": 2} three -4 ' \
	bash -c "'$ruche' queue get q --count 3 | tr '\n' ' '"
check_status 'an empty queue, at once' 75 "$ruche" queue get --timeout 0 q
check_said 'in the words of the daemon' "queue 'q' is empty"
check_status 'an empty queue, after a time' 124 "$ruche" queue get q --timeout 50ms
check_status 'errors are JSON, if asked' 124 "$ruche" queue get q --json --timeout 50ms
check_said 'so' '^\{"error": \{"code": "timeout"'

printf 'a\n\n\xff\xfeb\n"x"\nlast' >"$dir/lines"
check_status 'lines are put' 0 bash -c "'$ruche' queue put q <'$dir/lines'"
check 'empty ones, those that are no text, and one without an end' \
	bash -c "'$ruche' queue get q --count 5 | cmp - <(cat '$dir/lines'; echo)"
check_output 'with --json lines are values' '[1, "x", {"base64": "//4="}]' bash -c "
	printf '[1, \"x\"]\n' | '$ruche' queue put q --json; printf '\xff\xfe\n' | '$ruche' queue put q
	'$ruche' queue get q --count 2 --json | sed 'N;s/]\n/, /;s/\$/]/'"
check_output 'ten thousand lines in order' "$(seq 10000 | md5sum)" bash -c "
	seq 10000 | '$ruche' queue put q && '$ruche' queue get q --count 10000 | md5sum"
check_status 'nothing of them is unfinished' 0 "$ruche" queue join q --timeout 0

# A line is there before the next one is.
mkfifo "$dir/fifo"
"$ruche" queue put q <"$dir/fifo" &
putter=$!
exec 9>"$dir/fifo"
echo first >&9
check_output 'a line does not wait for the next one' first "$ruche" queue get q --timeout 20s
exec 9>&-
wait "$putter"
check 'and the end of the input is the end' test $? -eq 0

check_status 'a bound' 0 "$ruche" queue put --maxsize 2 bounded a b
check_status 'keeps back' 124 bash -c "seq 3 | '$ruche' queue put bounded --timeout 50ms"
check_said 'what does not fit' '^ruche: 0 lines went in'
check_status 'contradicting it is refused' 1 "$ruche" queue put --maxsize 3 bounded c
check_said 'and what it is is told' 'with other options: maxsize 2'
check_status 'who gets may make it as well' 75 "$ruche" queue get --maxsize 1 --timeout 0 first
check_status 'with the bound' 75 "$ruche" queue put --maxsize 1 --timeout 0 first a b
check_output 'that all know' '{"size": 1, "maxsize": 1}' bash -c "'$ruche' objects --json first | '$PYTHON3' -c '
import json, sys
print(json.dumps({key: value for key, value in json.load(sys.stdin).items() if key.endswith(\"size\")}))'"
check_status 'a queue that is not there' 1 "$ruche" queue size nothing
check_said 'is said to be unknown' 'unknown_object'
check_status 'nor is it made by looking' 1 "$ruche" objects nothing

# Consumer and producer may begin in any order.
"$ruche" queue get --follow early >"$dir/followed" &
follower=$!
wait_for is early waiting 1
seq 100 | "$ruche" queue put early
check_status 'a queue is ended' 0 "$ruche" queue end early
wait "$follower"
check 'the end of the queue is the end of who follows it' test $? -eq 0
check 'who has all of it' bash -c "seq 100 | cmp - '$dir/followed'"
check_status 'nothing is put into it any more' 1 "$ruche" queue put early x
check_said 'as it is ended' closed
check_status 'nor got' 1 "$ruche" queue get early

# ---- nothing is lost

# The reader of a pipe that is full is stopped; the consumer is killed while it writes.
seq 20000 | "$ruche" queue put lost
mkfifo "$dir/slow"
"$ruche" queue get --follow lost >"$dir/slow" &
consumer=$!
exec 8<"$dir/slow"
stuck() { # its pipe takes no more
	[ "$(object_field lost unfinished)" = "$unfinished" ] || { unfinished=$(object_field lost unfinished); same=0; }
	same=$((same + 1))
	[ "$unfinished" -lt 20000 ] && [ $same -gt 20 ]
}
unfinished=-1 same=0
wait_for stuck
kill -KILL "$consumer"
wait "$consumer" 2>/dev/null
cat <&8 >"$dir/part"
exec 8<&-
wait_for is lost users 0
"$ruche" queue end lost
"$ruche" queue get --follow lost >>"$dir/part"
check 'a consumer is killed in the middle' test -s "$dir/part"
check 'and no item is lost' \
	bash -c "sort -n '$dir/part' | uniq | cmp - <(seq 20000)"
check 'one at the most came twice' test "$(wc -l <"$dir/part")" -le 20001

"$ruche" queue put full a b
check_status 'an item that cannot be written' 74 bash -c "'$ruche' queue get full >/dev/full"
check_output 'is in the queue again' a "$ruche" queue get full
check_status 'nor if stdout is closed' 74 bash -c "'$ruche' queue get full >&-"
check_output 'again' b "$ruche" queue get full
{
	"$ruche" queue get --follow full
	echo $? >"$dir/status"
} | head -1 >"$dir/head" &
wait_for is full waiting 1
"$ruche" queue put full c
check 'who reads no more ends who follows' wait_for test -s "$dir/status"
check 'quietly' grep -qx 141 "$dir/status"
check 'having read one' grep -qx c "$dir/head"
background "$ruche" queue get full
wait_for is full waiting 1
kill -INT "$background"
wait "$background"
check 'SIGINT ends who waits' test $? -eq 130

"$ruche" queue get full 2>"$dir/second" &
waiter=$!
wait_for is full waiting 1
"$ruche" objects remove full
wait "$waiter"
check 'a queue that is removed ends who waits' test $? -eq 1
check 'who is told' grep -q removed "$dir/second"

# ---- a command for each item

seq 3 | "$ruche" queue put work
check_output 'a command for each item' 'got 1 got 2 ' \
	bash -c "'$ruche' queue get work --count 2 -- sh -c 'read x; echo got \$x' | tr '\\n' ' '"
check_status 'one that fails ends it with its status' 5 "$ruche" queue get --follow work -- sh -c 'exit 5'
check_output 'and the item is there again' 3 "$ruche" queue get work --timeout 0 -- cat
check_status 'that was all' 0 is work unfinished 0
"$ruche" queue put work last
rm -f "$dir/go"
background "$ruche" queue get --follow work -- sh -c 'echo begun >"$1"; until [ -e "$2" ]; do sleep 0.01; done' sh \
	"$dir/begun" "$dir/go"
wait_for test -s "$dir/begun"
kill -KILL "$background"
wait "$background" 2>/dev/null
check_output 'nor is it lost with us' last "$ruche" queue get work --timeout 20s
touch "$dir/go"
"$ruche" queue put work a b
background "$ruche" queue get --follow work -- sh -c 'trap "exit 0" TERM; kill -TERM $PPID; while :; do sleep 0.01; done'
wait "$background"
check 'SIGTERM ends it behind the item that it works on' test $? -eq 143
check_output 'which is done' b "$ruche" queue get work --timeout 0
check_status 'a command that is not there' 127 bash -c "'$ruche' queue put work c; '$ruche' queue get work -- '$dir/nothing'"
check_output 'takes nothing' c "$ruche" queue get work --timeout 0
check_status 'a command needs the dashes' 64 "$ruche" queue get work cat

# ---- locks

check_status 'a command has its status' 7 "$ruche" lock l -- sh -c 'exit 7'
check_status 'one that is not there' 127 "$ruche" lock l "$dir/nothing"
check_status 'one that cannot be run' 126 "$ruche" lock l "$top_srcdir/configure.ac"
check_status 'one that dies' 139 "$ruche" lock l -- sh -c 'kill -SEGV $$'
check_said 'by its signal' SIGSEGV
check 'the lock has gone with them' wait_for gone l

# hold OPTION…: until $dir/go is there
hold() {
	rm -f "$dir/go"
	background "$ruche" lock "$@" -- sh -c 'until [ -e "$1" ]; do sleep 0.01; done' sh "$dir/go" 2>"$dir/holder"
	wait_for held l
}
hold l
check_status 'somebody else, at once' 1 "$ruche" lock -n l true
check 'silently' test ! -s "$dir/stderr"
check_status 'with a status of his choice' 9 "$ruche" lock -n -E 9 l true
check_status 'after a time' 1 "$ruche" lock -w 50ms l true
"$ruche" lock l -- echo second >"$dir/second" 2>&1 &
second=$!
wait_for is l waiting 1
check 'who holds it is told' bash -c "'$ruche' objects l | grep -q '^held by     pid $background\$'"
check 'and who waits' bash -c "'$ruche' objects l | grep -Eq '^waiting     pid $second to acquire, for [0-9.]+ s\$'"
check 'also in the table' bash -c "'$ruche' objects | grep -Eq '^l +lock +held +2 +1 +[0-9]+ +$background\$'"
touch "$dir/go"
wait "$background" "$second"
check 'he gets it in turn, without a word' test "$(cat "$dir/second")" = second

# The holder is killed: its command still holds the lock.
hold l
command=$(pgrep -P "$background")
kill -KILL "$background"
wait "$background" 2>/dev/null
check_status 'a killed `ruche lock` leaves the lock to its command' 1 "$ruche" lock -n l true
touch "$dir/go"
check 'until that has ended' wait_for gone l
hold l
"$ruche" lock l -- echo next >"$dir/second" 2>&1 &
second=$!
wait_for is l waiting 1
kill -KILL "$(pgrep -P "$background")"
wait "$background"
check 'a killed command has its status' test $? -eq 137
wait "$second"
check 'the next holder is warned' grep -q 'last holder died' "$dir/second"
check 'and runs' grep -qx next "$dir/second"

# What is left behind holds it as well.
left='{ until [ -e "$1" ]; do sleep 0.01; done; } >/dev/null 2>&1 & echo left'
rm -f "$dir/go"
check_output 'a command may leave something behind' left "$ruche" lock l -- sh -c "$left" sh "$dir/go"
check_status 'which holds the lock' 1 "$ruche" lock -n l true
touch "$dir/go"
check 'to its end' wait_for gone l
rm -f "$dir/go"
check_output 'but not with --close' left "$ruche" lock --close l -- sh -c "$left" sh "$dir/go"
check 'then it is free' wait_for gone l
touch "$dir/go"

hold l --no-fork
check 'with --no-fork there is no process besides the command' grep -qx sh "/proc/$background/comm"
check_status 'which holds it' 1 "$ruche" lock -n l true
touch "$dir/go"
wait "$background"

hold --close l
kill -TERM "$background"
wait "$background"
check 'SIGTERM is passed on to the command' test $? -eq 143
check 'really' wait_for gone l

rm -f "$dir/go"
hold --semaphore 2 l
check_status 'a semaphore has more than one unit' 0 "$ruche" lock --semaphore 2 -n l true
check_status 'who say how many' 1 "$ruche" lock --semaphore 3 -n l true
check_status 'in two words' 1 "$ruche" lock l true
touch "$dir/go"
wait "$background"

hold l
"$ruche" lock l true 2>"$dir/second" &
second=$!
wait_for is l waiting 1
check_status 'removed while somebody waits' 0 "$ruche" objects remove l
wait "$second"
check 'he fails' test $? -eq 1
check 'and is told' grep -q removed "$dir/second"
touch "$dir/go"
wait "$background"
check 'the holder goes on' test $? -eq 0
check 'and is told at its end' grep -q 'lock was lost' "$dir/holder"

# ---- events and barriers

check_status 'an event is clear' 75 "$ruche" event wait e --timeout 0
"$ruche" event wait e &
waiter=$!
wait_for is e waiting 1
check_output 'it is not set' false "$ruche" event is-set e
"$ruche" event set e
wait "$waiter"
check 'who waits goes on when it is' test $? -eq 0
check_status 'and it stays set' 0 "$ruche" event is-set e
"$ruche" event clear e
check_status 'until it is cleared' 124 "$ruche" event wait e --timeout 50ms

for i in 1 2 3; do
	"$ruche" barrier wait b --parties 3 >>"$dir/met" &
	members[i]=$!
done
wait "${members[@]}"
check 'three meet' test "$(sort "$dir/met" | tr '\n' ' ')" = '0 1 2 '
check 'and nothing is left' wait_for gone b
"$ruche" barrier wait b --parties 3 2>"$dir/second" &
first=$!
wait_for is b arrived 1
"$ruche" barrier wait b --parties 3 2>/dev/null &
second=$!
wait_for is b arrived 2
kill -KILL "$second"
wait "$first"
check 'a member that is killed breaks it' test $? -eq 1
check 'and the others hear it' grep -q broken "$dir/second"
wait "$second" 2>/dev/null

# ---- values

check_status 'a value is made' 0 "$ruche" value create v --type int16 --count 4 7 -8
check_status 'once' 1 "$ruche" value create v
check_status 'options stand before values' 64 "$ruche" value create late 1 --type double
check_said 'which is said' "'--type': options stand before the first VALUE"
check_output 'the rest is 0' '7 -8 0 0 ' bash -c "'$ruche' value dump v | tr '\n' ' '"
check_output 'added' -13 "$ruche" value add v -5 1
check_output 'it wraps around' -32768 bash -c "'$ruche' value set v 32767 3; '$ruche' value add v 1 3"
check_output 'as JSON' '[7, -13, 0, -32768]' "$ruche" value dump --json v
check_status 'what does not fit is refused' 64 "$ruche" value set v 40000
check_status 'as is an element that there is not' 1 "$ruche" value get v 4
"$ruche" value create --type uint64 u 18446744073709551615
check_output 'all digits' 18446744073709551615 "$ruche" value get u
"$ruche" value create --type float f 0.1
check_output 'no more digits than a float has' 0.35 "$ruche" value add f 0.25
check_status 'a queue is no value' 1 "$ruche" value get q
"$ruche" value create counter
for i in 1 2 3 4; do
	(for ((n = 0; n < 50; n++)); do "$ruche" value add counter 1 >/dev/null; done) &
	adders[i]=$!
done
wait "${adders[@]}"
check_output 'nothing that is added is lost' 200 "$ruche" value get counter

# ---- pipes

"$ruche" pipe receive p 0 >"$dir/received" &
receiver=$!
check_status 'lines through a pipe' 0 bash -c "'$ruche' pipe send p 1 <'$dir/lines'"
wait "$receiver"
check 'whose end is the end' test $? -eq 0
check 'come out as they are' bash -c "cmp '$dir/received' <(cat '$dir/lines'; echo)"
seq 20000 | "$ruche" pipe send p 1 &
sender=$!
wait_for "$ruche" objects p
check_output 'also if the sender comes first' "$(seq 20000 | md5sum)" bash -c "'$ruche' pipe receive p 0 | md5sum"
wait "$sender"
check 'who waits until all is read' test $? -eq 0
"$ruche" pipe receive p 0 &
receiver=$!
wait_for "$ruche" objects p
check_status 'an end is taken once' 75 "$ruche" pipe receive p 0
kill -KILL "$receiver"
wait "$receiver" 2>/dev/null
check_status 'a receiver waits no longer than it is told' 124 "$ruche" pipe receive p 0 --timeout 50ms
yes | "$ruche" pipe send p 1 2>"$dir/second" &
sender=$!
check_output 'a reader goes' y bash -c "'$ruche' pipe receive p 0 | head -1"
wait "$sender"
check 'and the sender hears it' grep -q 'other end has gone' "$dir/second"

"$ruche" pipe send p 1 <"$dir/lines" 2>"$dir/second" &
sender=$!
wait_for "$ruche" objects p
check_output 'a reader goes before it has read all' '' timeout 10 bash -c "'$ruche' pipe receive p 0 >&-" 2>/dev/null
wait "$sender"
check 'and the sender hears that too' test $? -eq 1
check 'in words' grep -q 'other end has gone' "$dir/second"
check_status 'what only receives does not send' 64 bash -c "echo 1 | '$ruche' pipe send --one-way p 0"
check_said 'and says so' 'end 0 receives and end 1 sends'
check_status 'what only sends does not receive' 64 "$ruche" pipe receive --one-way p 1 --timeout 10s
check_said 'and says so' 'end 0 receives and end 1 sends'
seq 3 | "$ruche" queue put --maxsize 1 short 2>"$dir/second" &
producer=$!
wait_for is short waiting 1
"$ruche" queue end short
wait "$producer"
check 'who waits for room in a queue that is ended' test $? -eq 1
check 'is told that, and how much went in' eval \
	'grep -q "1 lines went into" "$dir/second" && grep -q "has been ended or removed" "$dir/second"'
"$ruche" objects remove short

# ---- processes

check 'cores are counted' grep -qx '[1-9][0-9]*' <("$ruche" cpu-count)
check_status 'those of a pool that there is' 1 "$ruche" cpu-count nothing
for i in 1 2; do "$ruche" run -- sleep 1007 & running[i]=$!; done
all_busy() { [ "$(status_of workers idle)" = 0 ]; }
wait_for all_busy
check_output 'a process waits for no worker' 27 timeout 20 "$ruche" process call cube 3
check_output 'nor does a command' here timeout 20 "$ruche" process run -- echo here
process=$("$ruche" process start primes.count 0 1000)
check_status 'one is joined' 0 "$ruche" process join "$process"
check_output 'and has a result' 168 "$ruche" process result "$process"
process=$("$ruche" process start -- sh -c 'trap "" TERM; echo ready; while :; do sleep 0.01; done')
wait_for bash -c "'$ruche' log '$process' | grep -q ready"
check 'its pid is told' bash -c "'$ruche' process status '$process' | grep -qE '^state +running on worker [0-9]+, pid [0-9]+\$'"
check_status 'one is killed' 0 "$ruche" process kill "$process"
check_status 'at once, though it takes no SIGTERM' 1 "$ruche" process join --timeout 3s "$process"
check_said 'so' SIGKILL
kill -TERM "${running[@]}"
wait "${running[@]}"

# Whose lock it is: a task's.
rm -f "$dir/go"
process=$("$ruche" process start -- "$ruche" lock l -- sh -c 'until [ -e "$1" ]; do sleep 0.01; done' sh "$dir/go")
wait_for held l
check 'a task that holds a lock is named' bash -c "'$ruche' objects l | grep -q 'in task $process\$'"
touch "$dir/go"
check_status 'to its end' 0 "$ruche" wait "$process"

# ---- all of them

check_status 'removed' 0 "$ruche" objects remove q bounded first early lost work e v u f counter
check_output 'there are no more' 'NAME  KIND  STATE  USERS  WAITING  BYTES  HELD BY' "$ruche" objects
check_status 'what is not there cannot be removed' 1 "$ruche" objects remove q
check_status 'a private daemon would be of no use' 64 "$ruche" --private queue put q 1
check_status 'a group alone' 64 "$ruche" queue
check_said 'says what there is' 'put, get, size, join, end'
check_output 'help about a group' 'ruche queue: pass items' \
	bash -c "'$ruche' help queue | head -c 23"
check_output 'and about one of its subcommands' 'ruche queue put: put' \
	bash -c "'$ruche' help queue put | head -c 20"
finish
