#!/bin/bash
# SPDX-License-Identifier: MIT
# tests/install.sh WORK: installs WORK/gcc into WORK/stage, looks whether everything is
# there, and builds and runs a plugin and a client against it as their authors would.
set -u
work=$(cd "$1" && pwd)
stage=$work/stage
rm -rf "$stage"
make -s -C "$work/gcc" install DESTDIR="$stage" >"$work/install.log" 2>&1 || {
	tail -20 "$work/install.log"
	exit 1
}
root=$stage/usr/local
failed=0
for file in bin/ruche sbin/ruched libexec/ruche/ruche-forkserver lib/libruche.so.0 \
	lib/ruche/plugins/tutorial.so lib/pkgconfig/ruche.pc include/ruche/ruche.h \
	include/ruche/plugin.h include/ruche/codes.h share/man/man1/ruche.1 \
	share/man/man3/libruche.3 share/man/man3/ruche-plugin.3 share/man/man5/ruche.conf.5 \
	share/man/man7/ruche-protocol.7 share/man/man7/ruche-tasks.7 share/doc/ruche/ruche.conf.example \
	share/man/man8/ruched.8 share/bash-completion/completions/ruche \
	lib/systemd/system/ruched.service lib/systemd/system/ruched.socket \
	share/doc/ruche/README.md; do
	[ -e "$root/$file" ] || { echo "not installed: $file"; failed=1; }
done

export PKG_CONFIG_PATH=$root/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$stage
export LD_LIBRARY_PATH=$root/lib RUCHE_FORKSERVER=$root/libexec/ruche/ruche-forkserver
export RUCHE_PLUGIN_DIR=$root/lib/ruche/plugins RUCHE_DAEMON=$root/sbin/ruched
cat >"$work/hello.c" <<'C'
#include <ruche/plugin.h>

static int hello(struct ruche_task *task)
{
	return ruche_return_str(task, "hello");
}

static const struct ruche_function functions[] = {
	{.name = "hello", .run = hello, .params = "", .summary = "says it"},
	{0},
};

RUCHE_PLUGIN_EXPORT const struct ruche_plugin ruche_plugin = {
	.abi = RUCHE_PLUGIN_ABI, .name = "hello", .functions = functions,
};
C
# shellcheck disable=SC2046
cc -Wall -Wextra -shared -fPIC "$work/hello.c" -o "$work/hello.so" $(pkg-config --cflags ruche) &&
	[ "$("$root/bin/ruche" --private --plugin "$work/hello.so" call hello)" = hello ] ||
	{ echo 'a plugin built against the installation does not work'; failed=1; }
# shellcheck disable=SC2046
cc -Wall -Wextra "$(dirname "$0")/../contrib/examples/primes.c" -o "$work/primes" \
	$(pkg-config --cflags --libs ruche) && "$work/primes" --private | grep -q '^16405 ' ||
	{ echo 'a client built against the installation does not work'; failed=1; }
bash -n "$root/share/bash-completion/completions/ruche" || failed=1
if command -v systemd-analyze >/dev/null; then
	sed "s|ExecStart=/usr/local|ExecStart=$root|" "$root/lib/systemd/system/ruched.service" \
		>"$work/ruched.service"
	cp "$root/lib/systemd/system/ruched.socket" "$work/"
	systemd-analyze verify --man=no "$work/ruched.service" "$work/ruched.socket" || failed=1
fi
make -s -C "$work/gcc" uninstall DESTDIR="$stage" >/dev/null 2>&1
left=$(find "$stage" ! -type d | wc -l)
[ "$left" -eq 0 ] || { find "$stage" ! -type d; echo 'left by uninstall'; failed=1; }
exit $failed
