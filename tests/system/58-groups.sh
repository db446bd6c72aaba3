#!/bin/bash
# SPDX-License-Identifier: MIT
# Control groups: their limits bite, who comes to one is told, nobody else notices, and nothing of them stays.
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99
[ -z "${RUCHE_TEST_VALGRIND:-}" ] || {
	echo '1..0 # SKIP valgrind has processes of its own, and needs memory beyond any limit'
	exit 77
}

# A group of our own in each hierarchy that matters, in which the daemon is started.
parents=()
groups=()
enter_groups() {
	local hierarchy own
	while read -r hierarchy; do
		own=$(awk -v h="${hierarchy##*/}" -F: '$2 == h || (h == "unified" && $1 == 0) { print $3 }' /proc/self/cgroup)
		own=$hierarchy${own%/}
		mkdir "$own/ruche-test.$$" 2>/dev/null || return 1
		parents+=("$own")
		groups+=("$own/ruche-test.$$")
		echo $$ >"$own/ruche-test.$$/cgroup.procs" || return 1
	done < <(awk '($3 == "cgroup" && $2 ~ /\/(memory|pids|cpu)$/) || ($3 == "cgroup2" && $2 ~ /\/unified$/) { print $2 }' /proc/mounts)
	[ ${#groups[@]} -ge 3 ]
}
leave_groups() {
	local i
	for i in "${!groups[@]}"; do
		echo $$ >"${parents[$i]}/cgroup.procs"
		rmdir "${groups[$i]}" 2>/dev/null
	done
}
# Groups that a daemon or a worker has, in all hierarchies.
count_groups() { find "${groups[@]}" -mindepth 1 -type d | wc -l; }
no_groups() { [ "$(count_groups)" = 0 ]; }
if [ "$(id -u)" -ne 0 ] || ! enter_groups; then
	leave_groups
	echo '1..0 # SKIP no groups can be made here: not root, or no memory, pids and cpu of version 1'
	exit 77
fi
trap 'on_exit; leave_groups' EXIT

cat >"$dir/conf" <<END
[pool default]
workers = 2
[pool small]
plugin = $RUCHE_PLUGIN_DIR/tutorial.so
plugin = $test_plugins/crash.so
workers = 2
memory_max = 256M
pids_max = 40
cpu_max = 150%
[pool other]
workers = 1
user = nobody
pids_max = 50
[pool plain]
workers = 1
cgroup = yes
END
check_status 'that it can have groups is not looked at' 0 "$RUCHE_DAEMON" --check-config --config "$dir/conf"
check 'and none is made' no_groups
start_daemon --config "$dir/conf"

# ---- where they are ---------------------------------------------------------------------------

in_group() { "$ruche" run --pool "$1" -- cat /proc/self/cgroup | grep -cE "$2"; }
check_output 'a worker is in a group of its own for each limit' 3 \
	in_group small '(memory|pids|cpu):.*/ruche-test[^/]*/ruche-[0-9]+-[0-9]+-[0-9]+/small-[01]\.[0-9]+$'
check_output 'as is one of another user' 1 in_group other 'pids:.*/other-0\.[0-9]+$'
check_output 'and one without a limit' 1 in_group plain '/plain-0\.[0-9]+$'
check_output 'other pools have none' 0 in_group default '/default-0\.'
group_of() { echo "$1"/ruche-*/small-0.*; }
memory=$(printf '%s\n' "${groups[@]}" | grep /memory/)
cpu=$(printf '%s\n' "${groups[@]}" | grep /cpu/)
check_output 'the limits are in force' '268435456 150000' \
	eval 'echo $(cat $(group_of $memory)/memory.limit_in_bytes $(group_of $cpu)/cpu.cfs_quota_us)'

# ---- memory -----------------------------------------------------------------------------------

"$ruche" call small/sleep 1000 2>/dev/null &
neighbour=$!
runs() { [ "$(status_of running)" = "$1" ]; }
wait_for runs 1
check_status 'a function that takes more memory fails' 1 "$ruche" --json call small/test.grow 600000000
check_said 'as crashed, and perhaps executed' '"code": "crashed", "executed": "maybe"'
check_said 'with the cause' '"cause": "out_of_memory"'
check_said 'the limit' 'its memory_max is 256M, its peak was 25[0-9]\.[0-9] MiB while it ran test.grow'
check_said 'and the peak' '"peak_memory": 2(6[0-9]|5[0-9])[0-9]{6}[,}]'
check_status 'a person is told' 1 "$ruche" call small/test.grow 600000000
check_said 'as well' 'signal 9 \(SIGKILL\); cause: out_of_memory'
hog='x = bytearray(600 << 20)'
check_status 'a command too' 1 "$ruche" --json run --pool small -- "$PYTHON3" -c "$hog"
check_said 'by the same cause' '"cause": "out_of_memory"'
check_status 'whichever of its processes it was' 1 "$ruche" --json run --pool small -- \
	sh -c "$PYTHON3 -c '$hog'; echo it goes on >&2"
check_said 'by the same cause' '"cause": "out_of_memory"'
check_status 'it may be tried again' 1 "$ruche" --json call --attempts 2 small/test.grow 600000000
check_said 'as often as asked for' '"attempts": 2'
check 'ruche workers says what happened' bash -c "'$ruche' workers | grep -q 'ran out of memory'"
check_status 'who is killed otherwise' 1 "$ruche" --json call small/crash.kill
check 'is not said to have run out of memory' bash -c "! grep -q out_of_memory '$dir/stderr'"
check 'the neighbour has noticed nothing' runs 1
check_output 'the daemon neither' 27 "$ruche" call cube 3
kill -KILL "$neighbour"
wait "$neighbour" 2>/dev/null
check 'all are idle again' wait_for all_idle
check_output 'memory within the limit is no matter' null "$ruche" call small/test.grow 100000000

# ---- processes ----------------------------------------------------------------------------------

check_status 'more processes than the limit cannot be' 2 "$ruche" run --pool small -- \
	sh -c 'i=0; while [ $i -lt 60 ]; do sleep 1000 & i=$((i+1)); done'
check_said 'which the task is told itself' '[Cc]annot fork'
check_status 'a few can' 0 "$ruche" run --pool small -- sh -c 'sleep 0 & sleep 0 & wait'

# ---- what is left -------------------------------------------------------------------------------

long=1007.$$ # of this test alone
"$ruche" run --pool plain -- sh -c "setsid sleep $long & sleep $long" 2>/dev/null &
lost=$!
wait_for pgrep -f "^sleep $long"
kill -KILL "$("$ruche" workers --json | "$PYTHON3" -c 'import json, sys
print([w["pid"] for w in json.load(sys.stdin) if w["pool"] == "plain"][0])')"
wait "$lost"
gone() { ! pgrep -f "^sleep $long"; }
check 'a worker that dies takes its group with it' wait_for gone
# A daemon's group in four hierarchies, small: 2 workers in three, other: one, plain: one
only_of_the_living() { [ "$(count_groups)" = 12 ]; }
check 'dead workers have no groups' wait_for only_of_the_living

# ---- a reload -----------------------------------------------------------------------------------

sed -i 's/^memory_max.*/memory_max = 300M/' "$dir/conf"
check 'other limits are read' "$ruche" reload
new_limits() { [ "$(sort -u "$memory"/ruche-*/small-*/memory.limit_in_bytes)" = 314572800 ]; }
check 'and hold for new workers' wait_for new_limits
check 'the groups of the old ones go' wait_for only_of_the_living

# ---- another version in its place ------------------------------------------------------------------

members() { sort "${memory}"/ruche-*/small-*/cgroup.procs; }
before=$(members)
check 'another program takes the daemon over' "$ruche" upgrade
check_output 'workers are where they were' "$before" members
check_status 'who takes too much memory' 1 "$ruche" --json call small/test.grow 600000000
check_said 'is told so by the new one' '"cause": "out_of_memory"'
check_said 'with the limit that its worker had' 'its memory_max is 300M'
check 'and its group goes' wait_for only_of_the_living
check 'all are idle' wait_for all_idle

# ---- a daemon that is killed -----------------------------------------------------------------------

kill -KILL "$daemon"
wait "$daemon" 2>/dev/null
wait_for nothing_left
check 'a daemon that is killed leaves groups' test "$(count_groups)" -ge 4
stale=$(echo "$memory"/ruche-*/)
[ -d "$stale/small-0.9" ] || mkdir "$stale/small-0.9"
sleep 1008 &
orphan=$!
echo $orphan >"$stale/small-0.9/cgroup.procs"
start_daemon --config "$dir/conf"
wait "$orphan"
check 'the next one kills what is in them' test $? -eq 137
stale_is_gone() { [ ! -d "$stale" ] && only_of_the_living; }
check 'and removes them' wait_for stale_is_gone
check 'the daemon ends well' stop_daemon
check 'and no group is left' no_groups

# ---- what a task makes of its group ------------------------------------------------------------------

pids=$(printf '%s\n' "${groups[@]}" | grep /pids/)
start_daemon --config "$dir/conf"
# shellcheck disable=SC2016
"$ruche" run --pool small -- sh -c 'cd "$1"/ruche-*/small-*/ && mkdir -p $(seq -s / 60)' sh "$pids"
check 'groups can be made in groups' test "$(count_groups)" -gt 60
kill -KILL "$(cat "$pids"/ruche-*/small-*/1/../cgroup.procs)"
check 'all of them go with their worker, however deep' wait_for only_of_the_living
base=$(echo "$pids"/ruche-*/)
remove_base() {
	local procs pid
	for procs in "$base"*/cgroup.procs; do # out of them, so that they can be removed
		while read -r pid; do echo "$pid" >"$pids/cgroup.procs"; done <"$procs"
	done
	rmdir "$base"*/ "$base" # its own sweep may be there first
	[ ! -e "$base" ]
} 2>/dev/null
check 'all workers are there' wait_for all_idle
check 'somebody else can remove the daemon'"'"'s groups' wait_for remove_base
"$ruche" call small/crash.kill 2>/dev/null
some_have_a_group() { [ -n "$(cat "$pids"/ruche-*/small-*/cgroup.procs)" ]; } 2>/dev/null
check 'and those that come then have some again' wait_for some_have_a_group
stop_daemon

# ---- what the kernel does not take -----------------------------------------------------------------------

group=$(printf '%s\n' "${groups[@]}" | grep /cpu/)
cp "$dir/conf" "$dir/good"
sed -i 's/^cpu_max = .*/cpu_max = 200%/' "$dir/conf"
narrow() { echo 50000 >"$group/cpu.cfs_quota_us"; } 2>/dev/null
wait_for narrow # the groups that were there count for some moments more
check_status 'a limit that the kernel refuses is found at the start' 1 \
	"$RUCHE_DAEMON" --socket "$sock" --config "$dir/conf"
check_said 'and named' '\[pool small\] .*/cpu.cfs_quota_us cannot be set: Invalid argument'
check 'and nothing is left of it' no_groups
echo -1 >"$group/cpu.cfs_quota_us"
cp "$dir/good" "$dir/conf"

# ---- where there can be none --------------------------------------------------------------------------

mkdir "$dir/home"
chmod 755 "$dir"
chown nobody "$dir/home"
sock=$dir/home/sock
export RUCHE_SOCKET=$sock
printf '[pool default]\nworkers = 1\nmemory_max = 256M\n' >"$dir/conf"
as_nobody() { setpriv --reuid 65534 --clear-groups -- "$@"; }
if as_nobody test -x "$RUCHE_FORKSERVER" -a -r "$RUCHE_PLUGIN_DIR" -a -x "$RUCHE_DAEMON"; then
	check_status 'a daemon that may not make groups does not start' 1 \
		as_nobody "$RUCHE_DAEMON" --socket "$sock" --config "$dir/conf"
	check_said 'and says what to do' '\[pool default\] workers cannot have control groups: .*Permission denied.*Delegate='
	printf '[pool default]\nworkers = 1\n' >"$dir/conf"
	setpriv --reuid 65534 --clear-groups -- "$RUCHE_DAEMON" --socket "$sock" --config "$dir/conf" \
		>>"$daemon_log" 2>&1 &
	daemon=$!
	check_output 'without them it does' 27 eval 'wait_for "$ruche" ping && "$ruche" call cube 3'
	printf '[pool default]\nworkers = 1\ncgroup = yes\n' >"$dir/conf"
	check_status 'a reload that wants them is refused' 1 "$ruche" reload
	check_said 'with the reason' 'nothing was changed: \[pool default\] workers cannot have control groups'
	check_output 'and all is as before' 27 "$ruche" call cube 3
else
	echo '# somebody else cannot read this build: what a daemon may not do is not tested'
	start_daemon
fi
finish
