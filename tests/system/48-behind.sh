#!/bin/bash
# SPDX-License-Identifier: MIT
# One worker is in a long task, short ones have been handed to it already: they are done while it runs.
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99
start_daemon --workers 2 --plugin "$test_plugins/crash.so"
behind=$top_builddir/tests/system/behind
rounds=${RUCHE_TEST_ROUNDS:-100}

check 'the other worker falls idle' "$behind" "$sock" "$rounds" 0
check 'the other worker has one task after the other of somebody else' "$behind" "$sock" "$rounds" 2
check 'and very many of them wait' "$behind" "$sock" "$rounds" 300
check 'it has one of one client after that of another' "$behind" "$sock" "$rounds" 1 2
check 'nothing runs any more' wait_for all_idle
finish
