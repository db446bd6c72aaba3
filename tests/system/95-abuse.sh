#!/bin/bash
# SPDX-License-Identifier: MIT
# What clients and tasks should not do harms nobody but themselves.
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99

abuse() {
	check_output "$1" good "$PYTHON3" "$top_srcdir/tests/system/abuse.py" "$2" "$sock" "$daemon"
	check "$1: and the pool is free again" wait_for all_idle
}

start_daemon --workers 2 --plugin "$test_plugins/crash.so"
abuse 'a client that has too much open and leaves' full_client_that_leaves
abuse 'a client that sends plenty at once' plenty_at_once
abuse 'a client that does not read its stream' stream_that_nobody_reads
abuse 'input for a command, by every name it has' input_by_any_name
abuse 'workers that are stopped' stopped_workers
abuse 'a function that forks and returns twice' function_that_returns_twice
stop_daemon
pass_or_fail $? 'the daemon ends well'

if [ -z "${RUCHE_TEST_VALGRIND:-}" ]; then # which has descriptors of its own
	ulimit -n 100
	start_daemon --workers 2 --plugin "$test_plugins/crash.so"
	abuse 'more clients than descriptors' no_descriptor_left
else
	start_daemon --workers 2
fi
finish
