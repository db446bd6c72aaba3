#!/bin/bash
# SPDX-License-Identifier: MIT
# A shared value that many processes count in: no increment is lost, under its lock or by adding.
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99
start_daemon --workers 1
value=$top_builddir/tests/system/value
idle=$(descriptors "$daemon")

check_output '8 processes, 100,000 increments each, under the lock' 800000 \
	timeout 60 "$value" "$sock" lock 8 100000
check_output 'the value went with the last of them: the next is new, and counts by adding' 800000 \
	timeout 60 "$value" "$sock" add 8 100000
check_output 'one alone' 100000 timeout 60 "$value" "$sock" lock 1 100000
woken=$("$value" "$sock" woken)
[ "$woken" = skipped ] || check_output 'who is woken for the lock and dies does not take it with him' good echo "$woken"
check_output 'nothing stays behind in the daemon' "$idle" descriptors "$daemon"
finish
