#!/bin/bash
# SPDX-License-Identifier: MIT
# Every line of the tables in ruche-objects(7): what becomes of an object, and what its limits are.
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99
"$PYTHON3" "$top_srcdir/tests/system/objects.py" "$RUCHE_DAEMON" "$test_plugins/nested.so" \
	"$top_srcdir/src/wire/ruche-objects.7.scd" "$top_srcdir/src/wire/PROTOCOL.md" "$dir" \
	>"$dir/lines" 2>"$daemon_log"
pass_or_fail $? 'each line of the tables is as the manual says'
sed 's/^/# /' "$dir/lines"
grep -A20 '^Traceback' "$daemon_log" | sed 's/^/# /'
check 'no process is left behind' wait_for nothing_left
finish
