#!/bin/bash
# SPDX-License-Identifier: MIT
# Each public header stands alone, in C and, where there is a compiler, in C++, without a warning.
set -u
cd "${top_srcdir:-.}" || exit 99
failed=0

for header in include/ruche/*.h; do
	for compiler in "${CC:-cc} -std=c99 -x c" "${CC:-cc} -std=c17 -x c" \
		"${CXX:-c++} -std=c++11 -x c++" "${CXX:-c++} -std=c++17 -x c++"; do
		command -v "${compiler%% *}" >/dev/null || continue
		# shellcheck disable=SC2086 # its options are words
		$compiler -Wall -Wextra -pedantic -Werror -Iinclude -fsyntax-only - <<<"#include \"$header\"" || {
			echo "headers: $header, by $compiler" >&2
			failed=1
		}
	done
done
exit $failed
