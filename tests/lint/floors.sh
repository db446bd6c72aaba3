#!/bin/bash
# SPDX-License-Identifier: MIT
# A directory of src is a floor: what each may include, without exceptions.  See HACKING.md.
set -u
cd "${top_srcdir:-.}" || exit 99
failed=0

complain() {
	echo "floors: $1" >&2
	failed=1
}

# floor: the project's own headers it may include, beside its own
declare -A may=(
	[base]=''
	[core]='base ruche'
	[wire]='base ruche'
	[supervisor]='base core wire ruche'
	[worker]='base wire ruche'
	[client]='base wire ruche'
	[cli]='base ruche'
)

for floor in src/*/; do
	floor=$(basename "$floor")
	[ -n "${may[$floor]+known}" ] || complain "src/$floor is no floor that we know"
done

for floor in "${!may[@]}"; do
	allowed=" $floor ${may[$floor]} "
	while IFS=: read -r file line include; do
		case $include in */*) ;; *) continue ;; esac
		from=${include%%/*}
		case $allowed in *" $from "*) continue ;; esac
		case " ${!may[*]} ruche " in *" $from "*)
			complain "$file:$line includes $include: $floor may include only:$allowed" ;;
		esac
	done < <(grep -rnoE '^#include ["<][^">]+' "src/$floor" --include='*.[ch]' |
		sed -E 's/#include ["<]//')
done

# pattern | what may have it
only() {
	local hits
	hits=$(grep -rnE "$1" src --include='*.[ch]' | grep -vE "^($2)")
	[ -z "$hits" ] || complain "only $2 may have this: $hits"
}
only '#include <event2/' 'src/supervisor/'
only '#include <systemd/' 'src/supervisor/notify\.c'
only '(^|[^_[:alnum:]])v?fork\(\)[^,]*;' 'src/worker/spawn\.c'
only '(^|[^_[:alnum:]])dlopen\(' 'src/worker/'
only '#include <jansson' 'src/cli/'
only '(^|[^_[:alnum:]])(strcat|sprintf|gets|alloca)\(' 'nothing'
only '^typedef ' 'nothing'

# Policy is tested without waiting: it is told the time.
hits=$(grep -nE 'clock_now|gettimeofday|(^|[^_[:alnum:]])(time|read|write|open)\(' src/core/*.[ch])
[ -z "$hits" ] || complain "core does no I/O and has no clock: $hits"

for main in src/*/main.c; do
	[ "$(wc -l < "$main")" -le 20 ] || complain "$main is over 20 lines"
done
hits=$(awk 'FNR == 1 && !/SPDX-License-Identifier: MIT/ { print FILENAME " has no licence" }
	FNR == 501 { print FILENAME " is over 500 lines: it asks to be two" }' src/*/*.c)
[ -z "$hits" ] || complain "$hits"
exit $failed
