#!/bin/bash
# SPDX-License-Identifier: MIT
# Very many tasks from 16 clients, one in a hundred of which ends its worker in one of nine ways.
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99
ulimit -c 0
cat >"$dir/conf" <<END
[limits]
quarantine_after = 0
[pool default]
workers = 2
grace = 50ms
END
start_daemon --config "$dir/conf" --plugin "$test_plugins/crash.so"
check 'each has one answer, none is started twice, only those fail that crash' \
	"$top_builddir/tests/system/mixed" "$sock" 16 "${RUCHE_TEST_MIXED:-24000}" "$dir/journal"
check 'all workers are back' wait_for all_idle
finish
