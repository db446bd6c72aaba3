# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The words of a test, which writes TAP: what is claimed, and what is waited for.  $dir is a folder for what commands write.

checks=0 failures=0

# pass_or_fail STATUS CLAIM
pass_or_fail() {
	checks=$((checks + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $checks - $2"
	else
		echo "not ok $checks - $2"
		failures=$((failures + 1))
	fi
}

# check CLAIM COMMAND…: the command succeeds
check() {
	local claim=$1 status=0
	shift
	"$@" || status=$?
	pass_or_fail "$status" "$claim"
}

# check_output CLAIM EXPECTED COMMAND…: the command prints exactly this
check_output() {
	local claim=$1 expected=$2 got
	shift 2
	got=$("$@" 2>"$dir/stderr")
	[ "$got" = "$expected" ] || {
		echo "# expected: $expected"
		echo "# got:      $got"
		sed 's/^/# stderr:   /' "$dir/stderr"
	}
	[ "$got" = "$expected" ]
	pass_or_fail $? "$claim"
}

# check_status CLAIM STATUS COMMAND…: the command exits with this; its output is in
# $dir/stdout and $dir/stderr
check_status() {
	local claim=$1 expected=$2 got=0
	shift 2
	"$@" >"$dir/stdout" 2>"$dir/stderr" || got=$?
	[ "$got" -eq "$expected" ] || {
		echo "# status $got instead of $expected"
		sed 's/^/# /' "$dir/stdout" "$dir/stderr"
	}
	[ "$got" -eq "$expected" ]
	pass_or_fail $? "$claim"
}

# check_said CLAIM PATTERN: the stderr of the last check_status matches
check_said() {
	grep -Eq -- "$2" "$dir/stderr" || sed 's/^/# said: /' "$dir/stderr"
	grep -Eq -- "$2" "$dir/stderr"
	pass_or_fail $? "$1"
}

# wait_for COMMAND…: until it succeeds, at most 20 seconds
wait_for() {
	local i
	for ((i = 0; i < 2000; i++)); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.01
	done
	echo "# waited in vain for: $*"
	return 1
}

# background COMMAND…: with the signals of a foreground job, which a plain & would take
# away, as may have whoever started the tests; its pid is in $background
background() {
	set -m
	env --default-signal=HUP,INT,QUIT "$@" &
	background=$!
	set +m
}
