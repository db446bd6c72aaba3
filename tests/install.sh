#!/bin/bash
# SPDX-License-Identifier: MIT
# tests/install.sh WORK: installs WORK/gcc into WORK/stage, looks whether everything is
# there, and builds and runs a plugin and a client against it as their authors would.
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
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
	include/ruche/plugin.h include/ruche/codes.h include/ruche/objects.h share/man/man1/ruche.1 \
	share/man/man3/libruche.3 share/man/man3/ruche-plugin.3 share/man/man5/ruche.conf.5 \
	share/man/man7/ruche-protocol.7 share/man/man7/ruche-tasks.7 share/man/man7/ruche-objects.7 share/doc/ruche/ruche.conf.example \
	share/man/man8/ruched.8 share/bash-completion/completions/ruche \
	lib/systemd/system/ruched.service lib/systemd/system/ruched.socket \
	lib/systemd/system/ruched@.service lib/systemd/system/ruched@.socket \
	lib/systemd/user/ruched.service lib/systemd/user/ruched.socket \
	lib/sysusers.d/ruche.conf lib/tmpfiles.d/ruche.conf share/doc/ruche/loosen.conf \
	lib/systemd/catalog/ruche.catalog \
	share/doc/ruche/README.md; do
	[ -e "$root/$file" ] || { echo "not installed: $file"; failed=1; }
done

top_builddir=$work
. "$top/tests/trusted.sh"
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
# shellcheck disable=SC2046
cc -Wall -Wextra "$top/contrib/examples/counter.c" -o "$work/counter" $(pkg-config --cflags --libs ruche) &&
	cc -Wall -Wextra -shared -fPIC "$top/contrib/plugins/examples.c" -o "$work/examples.so" \
		$(pkg-config --cflags --libs ruche) &&
	"$root/bin/ruche" --private --plugin "$work/examples.so" run -- "$work/counter" |
	grep -qx 'with the lock: 1000' ||
	{ echo 'an example built against the installation does not work'; failed=1; }
bash -n "$root/share/bash-completion/completions/ruche" || failed=1

# ---- what systemd says of the units -------------------------------------------------------------

# verify_units FOLDER…: of `make install`, looked at from where the programs are
verify_units() {
	local manager=$1 from=$2 to=$work/units-$1
	rm -rf "$to" && mkdir -p "$to"
	for unit in "$from"/ruched*; do
		sed "s|^\(Exec[A-Za-z]*=\)/usr/local|\1$root|" "$unit" >"$to/${unit##*/}"
	done
	for unit in "$to"/*@.*; do
		[ ! -e "$unit" ] || cp "$unit" "${unit/@/@example}"
	done
	XDG_RUNTIME_DIR=$work systemd-analyze "--$manager" verify --man=no "$to"/ruched.* "$to"/ruched@example.* 2>&1
}
# verify_silently MANAGER FOLDER
verify_silently() {
	local said
	said=$(shopt -s nullglob && verify_units "$@") && [ -z "$said" ] || {
		echo "systemd-analyze --$1 verify: $said"
		failed=1
	}
}
if command -v systemd-analyze >/dev/null; then
	verify_silently system "$root/lib/systemd/system"
	verify_silently user "$root/lib/systemd/user"
	for unit in ruched.service ruched@example.service; do
		systemd-analyze security --offline=true --threshold=15 "$work/units-system/$unit" \
			>"$work/security.log" 2>&1 || { tail -1 "$work/security.log"; failed=1; }
	done
	# All that can be loosened at a time is still a unit.
	(cd "$work/units-system" && mkdir -p ruched.service.d &&
		sed 's/^;//' "$root/share/doc/ruche/loosen.conf" >ruched.service.d/loosen.conf)
	said=$(systemd-analyze verify --man=no "$work/units-system/ruched.service" 2>&1) && [ -z "$said" ] ||
		{ echo "loosen.conf: $said"; failed=1; }
	systemd-sysusers --root="$stage" --dry-run "$root/lib/sysusers.d/ruche.conf" >"$work/sysusers.log" 2>&1 &&
		grep -q "Creating user 'ruche'" "$work/sysusers.log" ||
		{ cat "$work/sysusers.log"; echo 'sysusers makes no user ruche'; failed=1; }
fi

# ---- where Debian expects everything --------------------------------------------------------------

debian=$work/debian
rm -rf "$debian" && mkdir -p "$debian/build" || exit 1
arch=$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || gcc -print-multiarch)
options="--prefix=/usr --sysconfdir=/etc --localstatedir=/var --libdir=/usr/lib/$arch --libexecdir=/usr/libexec"
# shellcheck disable=SC2086
(unset PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR
	cd "$debian/build" && "$top/configure" -q $options &&
	make -s install-systemdsystemunitDATA install-systemduserunitDATA install-sysusersDATA \
		install-tmpfilesDATA install-bashcompletionDATA install-dist_docDATA install-man \
		install-pkgconfigDATA DESTDIR="$debian/stage") >"$debian/log" 2>&1 || {
	tail -20 "$debian/log"
	failed=1
}
for file in lib/systemd/system/ruched.service lib/systemd/system/ruched.socket \
	lib/systemd/system/ruched@.service lib/systemd/system/ruched@.socket \
	usr/lib/systemd/user/ruched.service usr/lib/systemd/user/ruched.socket \
	usr/lib/sysusers.d/ruche.conf usr/lib/tmpfiles.d/ruche.conf \
	usr/share/bash-completion/completions/ruche usr/share/doc/ruche/loosen.conf \
	usr/share/man/man8/ruched.8 "usr/lib/$arch/pkgconfig/ruche.pc"; do
	[ -e "$debian/stage/$file" ] || { echo "not where Debian expects it: $file"; failed=1; }
done
grep -qx 'ExecStart=/usr/sbin/ruched --config /etc/ruche/%i.conf' \
	"$debian/stage/lib/systemd/system/ruched@.service" || { echo 'ExecStart is not what it is on Debian'; failed=1; }

make -s -C "$work/gcc" uninstall DESTDIR="$stage" >/dev/null 2>&1
left=$(find "$stage" ! -type d | wc -l)
[ "$left" -eq 0 ] || { find "$stage" ! -type d; echo 'left by uninstall'; failed=1; }
exit $failed
