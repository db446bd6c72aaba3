#!/bin/bash
# SPDX-License-Identifier: MIT
# tests/lint/style.sh BUILD: format, static analysis, and the length of functions.  BUILD is
# a configured folder, for config.h.
set -u
build=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.." || exit 1
failed=0
mapfile -t sources < <(find src tests contrib -name '*.c' | sort)
mapfile -t headers < <(find src tests include -name '*.h' | sort)

echo '-- clang-format'
clang-format --dry-run -Werror "${sources[@]}" "${headers[@]}" || failed=1

echo '-- clang-tidy'
tidy() {
	clang-tidy --quiet "$@" -- -std=gnu11 -D_GNU_SOURCE -I"$build" -Isrc -Iinclude -Itests/unit \
		-DFORKSERVER_PATH='"x"' -DPLUGIN_DIR='"x"' -DSYSCONFDIR='"x"' -DRUCHED_PATH='"x"' 2>/dev/null
}
export -f tidy
export build
# one process for each file: clang-tidy 14 remembers the names of functions by their address,
# and takes one for another in the next file that it reads ("Initialized va_list is leaked")
find src contrib -name '*.c' -print0 |
	xargs -0 -P "$(nproc)" -n 1 bash -c 'tidy "$@"' tidy || failed=1

echo '-- cppcheck'
cppcheck --quiet -j "$(nproc)" --std=c11 --error-exitcode=1 --inline-suppr \
	--enable=warning,performance,portability --suppress=missingIncludeSystem --suppress=unknownMacro \
	-Isrc -Iinclude src contrib || failed=1

echo '-- shellcheck'
shellcheck -S warning -x -P SCRIPTDIR -e SC1091,SC2034,SC2154 contrib/bench contrib/check contrib/quickstart contrib/dependencies.sh \
	contrib/completions/ruche.bash .ci/run tests/lint/*.sh tests/*.sh tests/system/*.sh tests/bench/peers/*.sh \
	tests/fuzz/run tests/fuzz/*.sh tests/boot/*.sh tests/boot/inside/*.sh tests/boot/inside/run || failed=1

echo '-- manual pages: a backslash before a letter would be lost'
grep -nP '(?<!\\)\\[A-Za-z0-9]' src/*/*.scd && failed=1

echo '-- length of functions'
find src -name '*.c' | ctags --fields=+ne --languages=C --kinds-C=f -f - -L - |
	awk -F'\t' '{
		for (i = 4; i <= NF; i++) {
			if ($i ~ /^line:/) line = substr($i, 6)
			if ($i ~ /^end:/) end = substr($i, 5)
		}
		print end - line + 1
	}' | sort -n | awk '
	{ lines[NR] = $1 }
	END {
		median = lines[int((NR + 1) / 2)]; p90 = lines[int(NR * 0.9)]
		print NR " functions, median " median ", 90 % up to " p90 ", longest " lines[NR]
		exit median > 16 || p90 > 60
	}' || failed=1
exit $failed
