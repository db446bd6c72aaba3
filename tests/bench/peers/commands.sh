# SPDX-License-Identifier: MIT
# shellcheck shell=bash

# What xargs.sh and parallel.sh share.  They call parse "$@", and then run_workload with a
# command that reads words and runs /bin/true once for each of them, on `workers` processes.
#
# That command dies with this shell.  What it costs is known only together with what its
# commands cost, so all of it stands under "workers"; context switches are not known.

set -o pipefail

# shellcheck disable=SC2034 # `workers` is for those who call this
parse() {
	local word
	workload=${1-}
	workers=2
	count=1
	for word in "${@:2}"; do
		case $word in
		workers=*) workers=${word#*=} ;;
		count=*) count=${word#*=} ;;
		esac
	done
}

skip() {
	printf '{"skip": "%s"}\n' "$1"
	exit 0
}

# Skips unless the first word is a program; the second is its Debian package.
need() {
	command -v "$1" >/dev/null || skip "$1 is not installed; package $2"
}

# Runs the command for `count` words, and prints the line of JSON.
measure() {
	local seconds user system used TIMEFORMAT='%3R %3U %3S'
	used=$({ time seq "$count" | setpriv --pdeathsig KILL "$@" 2>&3; } 3>&2 2>&1) || exit 1
	read -r seconds user system <<<"$used"
	awk -v s="$seconds" -v u="$user" -v k="$system" 'BEGIN {
		printf "{\"seconds\": %.3f, \"cpu\": ", s
		printf "{\"client\": 0.0, \"server\": 0.0, \"workers\": %.3f}}\n", u + k
	}'
}

run_workload() {
	case $workload in
	commands) measure "$@" ;;
	startup) count=1 measure "$@" ;;
	crash) skip "each command has a process of its own: there is no worker to replace" ;;
	*) skip "runs commands, and no functions" ;;
	esac
}
