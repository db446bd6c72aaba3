#!/bin/bash
# SPDX-License-Identifier: MIT
# tests/boot/boot.sh BUILD [NAME]…: boots a real systemd, as the first process of namespaces of its own, on a throw-away view of
# this machine in which BUILD is installed; runs tests/boot/inside/NN-NAME.sh there, all or those named, in order; and
# shows what they say as one TAP document.  Status 77: this machine does not allow it.
#
# What the tests leave is in BUILD/boot: the journal, and each one's own output.  Nothing else of this machine is changed:
# mounts are in a mount namespace, files in memory, processes in a PID namespace that ends with this script, and
# control groups in groups of our own.
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd) || exit 99
shift
limit=${RUCHE_BOOT_SECONDS:-200}
out=$build/boot
own=ruche-boot-$$
groups=()

skip() {
	echo "1..0 # SKIP $1"
	exit 77
}

# ---- control groups -------------------------------------------------------------------------

# Where this hierarchy of ours is mounted; what is not where systemd would mount it is not used.
mount_point() {
	case $1 in
	'') [ -d /sys/fs/cgroup/unified ] && echo /sys/fs/cgroup/unified || echo /sys/fs/cgroup ;;
	name=*) echo "/sys/fs/cgroup/${1#name=}" ;;
	*) echo "/sys/fs/cgroup/$1" ;;
	esac
}

# A group of our own in each hierarchy becomes the root of what the systemd inside sees.  out/hierarchies tells it which.
make_groups() {
	local name path at
	: >"$out/hierarchies"
	while IFS=: read -r _ name path; do
		[ "$name" != cpuset ] || continue # cannot be entered as it is made, and nothing here needs it
		at=$(mount_point "$name")
		[ -d "$at$path" ] && at=${at}${path%/}
		mkdir "$at/$own" 2>/dev/null || continue
		groups+=("$at/$own")
		echo "${name:-unified}" >>"$out/hierarchies"
	done </proc/self/cgroup
}

enter_groups() {
	local group
	for group in "${groups[@]}"; do
		echo 0 >"$group/cgroup.procs" || return 1
	done
}

# The last processes leave a moment after the namespace has ended.
remove_groups() {
	local group i
	for group in "${groups[@]}"; do
		for ((i = 0; i < 100; i++)); do
			find "$group" -depth -type d -exec rmdir {} + 2>/dev/null
			[ -d "$group" ] || break
			sleep 0.05
		done
	done
}

# ---- the machine ----------------------------------------------------------------------------

# If this script dies, so does timeout, unshare, and with it the first process of the namespace, and then all.
boot() {
	enter_groups || return 99
	exec setpriv --pdeathsig KILL timeout -k 3 "$limit" setpriv --pdeathsig KILL \
		unshare --mount --pid --uts --ipc --net --cgroup --fork --kill-child --propagation private \
		bash "$here/machine.sh" "$build" "$out" "$@" </dev/null >"$out/console" 2>&1
}

machine=
on_exit() {
	[ -z "$machine" ] || { kill -KILL "$machine"; wait "$machine"; } 2>/dev/null
	remove_groups
	rmdir "$out/memory" 2>/dev/null
}

[ "$(id -u)" -eq 0 ] || skip 'only root can boot a systemd'
[ -x /lib/systemd/systemd ] || skip 'no systemd is installed'
unshare --mount --pid --uts --ipc --net --cgroup --fork true 2>/dev/null || skip 'this machine allows no namespaces'
rm -rf "$out" && mkdir -p "$out/memory" || exit 99
trap on_exit EXIT
trap 'exit 130' INT TERM HUP
make_groups
start=$SECONDS
boot "$@" &
machine=$!
wait "$machine"
machine=
[ ! -e "$out/skip" ] || skip "$(cat "$out/skip")"
status=$(cat "$out/status" 2>/dev/null) || {
	echo "Bail out! the tests inside did not come to their end in $limit seconds; $out has what there is"
	tail -20 "$out/console" | sed 's/^/# /'
	status=99
}
cat "$out/tap" 2>/dev/null
echo "# $(cat "$out/what" 2>/dev/null), $((SECONDS - start)) s in all"
exit "$status"
