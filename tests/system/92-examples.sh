#!/bin/bash
# SPDX-License-Identifier: MIT
# The programs of contrib/examples, run by the commands that README gives, print what it says that they do.
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99

sed -n "/^## The tutorials' programs/,\$p" "$top_srcdir/README.md" >"$dir/section"
ln -s "$top_builddir/contrib" "$dir/contrib" # the commands are for the folder of the build

# command_of PROGRAM, promise_of PROGRAM: in README, and what stands below it
command_of() {
	sed -nE "s|^    \\$ (contrib/examples/$1( .*)?)$|\1|p" "$dir/section"
}
promise_of() {
	awk -v program="contrib/examples/$1" '
		/^    \$/ { told = $2 == program; next }
		/^    / && told { print substr($0, 5) }
		/^$/ { told = 0 }' "$dir/section"
}

# What differs from one run to the next is the same here: pids, times, how many cores there are.
plain() {
	sed -E 's/(process|producer|consumer|child) [0-9]+/\1 PID/g; s/[0-9]+\.[0-9]+ s/TIME/g
		s/[0-9.]+ times as fast, with [0-9]+ cores?/SO MANY times as fast/'
}

# run PROGRAM: with a daemon of its own; what it prints is in $dir/PROGRAM
run() {
	(cd "$dir" && unset RUCHE_SOCKET && eval "$(command_of "$1")" </dev/null >"$1.out" 2>"$1.err") ||
		sed 's/^/# /' "$dir/$1.err"
}
keeps_its_promise() {
	check_output "$1: as README says" "$(promise_of "$1" | plain)" plain <"$dir/$1.out"
	check "$1: README says something" test -n "$(promise_of "$1")"
}

for program in counter pipe prime-race processes producer-consumer sums; do
	run "$program"
	keeps_its_promise $program
done
check_output 'processes: each has its own pid' 3 \
	bash -c "grep -oE 'process [0-9]+' '$dir/processes.out' | sort -u | wc -l"

# ---- what has to do with time: a machine that stalls has two more chances

# Each began before the other one had ended.
overlapped() {
	awk '/^worker/ { gsub(/[^0-9. ]/, ""); start[++n] = $3; end[n] = $4 }
		END { exit !(n == 2 && start[1] < end[2] && start[2] < end[1]) }' "$dir/overlap.out"
}
# How many images each packet has: which is up to the pool.
packets() {
	sed 's/.*image //' "$@" | awk '{ print NF }'
}
in_packets() {
	[ "$(packets "$dir/images.out")" = "$(promise_of images | packets)" ]
}
# three_times CONDITION COMMAND…
three_times() {
	local condition=$1
	shift
	for _ in 1 2 3; do
		"$@"
		"$condition" && return 0
	done
	return 1
}
check 'overlap: the two were at it at the same time' three_times overlapped run overlap
keeps_its_promise overlap

start_daemon --workers 2
two_workers() {
	(cd "$dir" && eval "$(command_of images)") >"$dir/images.out"
}
check 'images: in packets of as many as there are workers' three_times in_packets two_workers
check_output 'images: all of them' "$(seq 10)" \
	bash -c "sed 's/.*image //' '$dir/images.out' | tr ' ' '\n' | sort -n"
check_output 'images: as README says' "$(promise_of images | plain | sed 's/image .*//')" \
	bash -c "sed -E 's/[0-9.]+ s: .*/TIME: /' '$dir/images.out'"

# ---- with a daemon that others use as well

"$top_builddir/contrib/examples/counter" >"$dir/one" &
one=$!
"$top_builddir/contrib/examples/counter" >"$dir/two"
wait $one
check_output 'two that run at the same time do not share their counters' \
	"$(promise_of counter; promise_of counter)" cat "$dir/one" "$dir/two"
check 'and leave nothing in the daemon' "$PYTHON3" -B -c '
import sys
sys.path.insert(0, sys.argv[1])
import rpc
client = rpc.Client(sys.argv[2])
rpc.until(lambda: client.good("ruche.objects") == [])' "$top_srcdir/tests/system" "$sock"
check_status 'where there is no daemon' 1 \
	env RUCHE_SOCKET="$dir/none" "$top_builddir/contrib/examples/counter"
check_said 'it says so' 'cannot reach a ruched: No such file'

# ---- real images, decoded afterwards

if [ -e "$top_builddir/contrib/plugins/thumbnail.la" ]; then
	png=$top_builddir/tests/system/png
	mkdir "$dir/pictures" "$dir/small"
	"$png" make "$dir/pictures"
	run thumbnails
	sizes() { for n in 01 02 03 04 05 06 07 08 09 10; do
		[ $((10#$n % 2)) = 1 ] && echo "pictures/$n.png: 256x128 -> 64x32" ||
			echo "pictures/$n.png: 128x256 -> 32x64"
	done; }
	check_output 'thumbnails: ten files' "$(sizes)" sort "$dir/thumbnails.out"
	check_output 'thumbnails: README shows some of that' '' bash -c "
		grep -vxF -f '$dir/thumbnails.out' <<<'$(promise_of thumbnails | grep -v …)'"
	colours() { for n in 1 2 3 4 5 6 7 8 9 10; do
		[ $((n % 2)) = 1 ] && echo -n 64x32 || echo -n 32x64
		echo " first $((25 * n)),$((255 - 25 * n)),128 second 128,128,128"
	done; }
	check_output 'thumbnails: each has the colours of its picture' "$(colours)" \
		bash -c "for file in '$dir'/small/*; do '$png' show \$file; done"

	echo 'no picture' >"$dir/pictures/03.png"
	rm "$dir"/small/*
	check_status 'thumbnails: a broken file' 1 \
		bash -c "cd '$dir' && contrib/examples/thumbnails 64 small pictures/*"
	check_output 'thumbnails: is named' 1 grep -c "^pictures/03.png: $dir/pictures/03.png: " "$dir/stdout"
	check_output 'thumbnails: and costs no other' 9 bash -c "ls '$dir/small' | wc -l"
else
	echo '# without libpng there are no thumbnails'
fi

# ---- what README shows of them is in them

sources=$(cat "$top_srcdir"/contrib/examples/*.[ch] "$top_srcdir"/contrib/plugins/*.c | tr -d ' \t\n')
shown_and_not_there() {
	local line
	awk '/^```/ { in_c = $0 == "```c"; next } in_c' "$dir/section" |
		sed -E 's|/\*.*\*/||; s/[[:space:]]//g; /^$/d' | while read -r line; do
		[[ $sources == *"$line"* ]] || echo "$line"
	done
}
check_output 'every line of C in README is one of theirs' '' shown_and_not_there
check_output 'every program of Python in README is one' 9 "$PYTHON3" -c '
import ast, re, sys
for n, program in enumerate(re.findall(r"```python\n(.*?)```", open(sys.argv[1]).read(), re.S)):
    ast.parse(program)
print(n + 1)' "$dir/section"
finish
