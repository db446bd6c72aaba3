#!/bin/bash
# SPDX-License-Identifier: MIT
# Fifty clients that never read their answers of a mebibyte.
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99
[ -z "${RUCHE_TEST_VALGRIND:-}" ] || exit 0 # it is about speed
cat >"$dir/conf" <<END
[limits]
unread_timeout = 4s
[pool default]
workers = 2
END
start_daemon --config "$dir/conf" --plugin "$test_plugins/crash.so"
check_output 'clients that never read: bounded, cut off, and nobody else is slowed' good \
	"$PYTHON3" "$top_srcdir/tests/system/deaf.py" "$sock" "$daemon"
sed 's/^/# /' "$dir/stderr"
check 'the log says who was cut off' grep -q 'does not read its answers' "$daemon_log"
finish
