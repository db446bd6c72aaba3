#!/bin/bash
# SPDX-License-Identifier: MIT
# One client with very much queued, another that sends one call at a time: its median is hardly more
# than when the pool is as busy and nothing is queued. Were it served in its order, it would be thousands of
# times as much. On a quiet machine it is twice at most:
#	RUCHE_TEST_QUEUED=100000 RUCHE_TEST_MS=500 RUCHE_TEST_RATIO=2 RUCHE_TEST_LENGTHS='1 20 100 1000'
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99
[ -z "${RUCHE_TEST_VALGRIND:-}" ] || exit 0 # it is about speed
start_daemon --workers 2 --plugin "$test_plugins/crash.so"
# shellcheck disable=SC2086
check 'a client with much queued does not keep another waiting' \
	"$top_builddir/tests/system/fair" "$sock" "${RUCHE_TEST_QUEUED:-20000}" \
	"${RUCHE_TEST_MS:-50}" "${RUCHE_TEST_RATIO:-50}" ${RUCHE_TEST_LENGTHS:-100 1000}
finish
