#!/bin/bash
# SPDX-License-Identifier: MIT
# Many requests of one queue under way at once, from both ends of it: answered in their order, also when they have to wait.
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99
start_daemon --workers 1
ahead() { timeout 60 "$top_builddir/tests/system/ahead" "$sock" "$@"; }
idle=$(descriptors "$daemon")

check_output '256 puts and 256 gets under way: each item comes once, in order' 100000 ahead 100000 256 0
check_output 'in a queue that has room for seven' 20000 ahead 20000 256 7
check_output 'or for one' 5000 ahead 5000 64 1
check_output 'nothing stays behind in the daemon' "$idle" descriptors "$daemon"
finish
