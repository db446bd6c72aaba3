#!/bin/bash
# SPDX-License-Identifier: MIT
# Every cell of the table in ruche-tasks(7): what becomes of a task, by what happens and when.
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99
"$PYTHON3" "$top_srcdir/tests/system/table.py" "$RUCHE_DAEMON" "$test_plugins/crash.so" \
	"$top_srcdir/src/wire/ruche-tasks.7.scd" "$dir" >"$dir/cells" 2>"$daemon_log"
pass_or_fail $? 'each cell of the table is as the manual says'
sed 's/^/# /' "$dir/cells"
grep -A20 '^Traceback' "$daemon_log" | sed 's/^/# /'
check 'no process is left behind' wait_for nothing_left
finish
