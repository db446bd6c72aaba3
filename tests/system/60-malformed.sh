#!/bin/bash
# SPDX-License-Identifier: MIT
# Malformed input of every kind is refused, and nobody else notices.
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99
start_daemon
"$ruche" call cube 3 >/dev/null
before=$(descriptors "$daemon")
check 'malformed input' "$PYTHON3" "$top_srcdir/tests/system/malformed.py" "$sock" "$daemon"
same_descriptors() { [ "$(descriptors "$daemon")" -eq "$before" ]; }
check 'no descriptor is left open' wait_for same_descriptors
check 'the workers are as before' test "$(status_of restarts)" -le 2
finish
