#!/bin/bash
# SPDX-License-Identifier: MIT
# tests/valgrind.sh BUILD: the system tests with the daemon, its fork server and the workers
# under valgrind; any error or leak in one of them fails.
set -u
top_srcdir=$(cd "$(dirname "$0")/.." && pwd)
top_builddir=$(cd "$1" && pwd)
logs=$top_builddir/valgrind
rm -rf "$logs"
mkdir -p "$logs"
cat >"$logs/ruched" <<SH
#!/bin/sh
exec valgrind -q --trace-children=yes --trace-children-skip='*/bin/*,/bin/*' \\
	--child-silent-after-fork=no --leak-check=full --show-leak-kinds=definite \\
	--errors-for-leak-kinds=definite --log-file='$logs/%p.log' \\
	--suppressions='$top_srcdir/tests/valgrind.supp' '$top_builddir/ruched' "\$@"
SH
chmod +x "$logs/ruched"
export top_srcdir top_builddir RUCHE_DAEMON=$logs/ruched RUCHE_TEST_CALLS=1000 RUCHE_TEST_MIXED=800 \
	RUCHE_TEST_RELOADS=2 RUCHE_TEST_VALGRIND=1
run_test() { # FILE
	local name status=0
	name=$(basename "$1" .sh)
	timeout -k 5 800 bash "$1" >"$logs/$name.out" 2>&1 || status=$?
	[ "$status" -eq 0 ] || [ "$status" -eq 77 ] || echo "$status" >"$logs/$name.failed" # 77: not for us
}
export logs
export -f run_test
printf '%s\0' "$top_srcdir"/tests/system/[0-9]*.sh |
	xargs -0 -n 1 -P $((2 * $(nproc))) bash -c 'run_test "$1"' _
failed=0
for file in "$logs"/*.failed; do
	[ -e "$file" ] || continue
	name=$(basename "$file" .failed)
	echo "FAIL: $name, status $(cat "$file")" # 124: it took too long
	grep -vE '^(# )?(ok|daemon:) ' "$logs/$name.out"
	failed=1
done
faults='Invalid (read|write|free)|Mismatched free|uninitialised|unaddressable|overlap|definitely lost'
for log in "$logs"/*.log; do
	grep -Eq "^==[0-9]+== .*($faults)" "$log" || continue
	echo "-- $log"
	grep '^==' "$log"
	failed=1
done
echo "$(find "$logs" -name '*.log' | wc -l) processes under valgrind"
exit $failed
