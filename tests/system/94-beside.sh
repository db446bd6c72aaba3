#!/bin/bash
# SPDX-License-Identifier: MIT
# Who calls one thing at a time is served beside workers that never stop writing, and beside a client that takes all room there is.
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99
beside() {
	check_output "$1" good "$PYTHON3" "$top_srcdir/tests/system/beside.py" "$sock" "$2"
	sed 's/^/# /' "$dir/stderr"
}

for limit in tasks user_tasks; do
	printf '[limits]\n%s = 64\n[pool default]\nworkers = 2\n' "$limit" >"$dir/conf"
	start_daemon --config "$dir/conf" --plugin "$test_plugins/crash.so"
	beside "$limit: an older client beside a flood" older
	beside 'a newer one' newer
	stop_daemon
done

printf '[pool default]\nworkers = 5\ngrace = 50ms\n' >"$dir/conf"
start_daemon --config "$dir/conf" --plugin "$test_plugins/crash.so"
beside 'workers that write to stderr without a pause' noise
finish
