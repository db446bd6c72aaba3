#!/bin/bash
# SPDX-License-Identifier: MIT
# machine.sh BUILD OUT [NAME]…: the first process of the namespaces that boot.sh has made.  It lays a view of this machine's
# files over memory, installs BUILD there, and becomes systemd.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$1 out=$2
shift 2
memory=$out/memory # there is nothing on it when the namespace has ended
root=$memory/root

give_up() {
	echo "$1" >"$out/skip"
	exit 77
}

# ---- files ----------------------------------------------------------------------------------

make_root() {
	mount -t tmpfs -o mode=755 tmpfs "$memory" || give_up 'nothing can be mounted here'
	mkdir "$memory/upper" "$memory/work" "$root"
	mount -t overlay -o "lowerdir=/,upperdir=$memory/upper,workdir=$memory/work" overlay "$root" ||
		give_up 'no overlay can be mounted here'
}

# Of the machine itself nothing is to be started, and of systemd only what a daemon needs around it.
keep_only() {
	local wants=$root/usr/lib/systemd/system/$1.target.wants unit
	shift
	rm -rf "$wants" && mkdir "$wants"
	for unit; do
		ln -s "../$unit" "$wants/$unit"
	done
}

strip_root() {
	rm -rf "$root"/etc/systemd/system/*.wants "$root"/etc/systemd/system/*.requires "$root"/etc/fstab \
		"$root"/usr/lib/systemd/system-generators/* "$root"/etc/init.d/* "$root"/etc/.updated "$root"/.dockerenv
	: >"$root/etc/machine-id"
	keep_only sysinit systemd-journald.service systemd-sysusers.service systemd-tmpfiles-setup.service
	keep_only sockets systemd-journald.socket systemd-journald-dev-log.socket
	keep_only local-fs
	keep_only timers
}

install_all() {
	local plugin program
	make -s -C "$build" install DESTDIR="$root" >"$out/install.log" 2>&1
	ldconfig -r "$root"
	mkdir -p "$root/ruche-boot/bin" "$root/ruche-boot/plugins" "$root/ruche-boot/out"
	cp -r "$here/inside" "$here/../system/claims.sh" "$root/ruche-boot/"
	for plugin in "$build"/tests/plugins/.libs/*.so; do
		install -m 644 "$plugin" "$root/ruche-boot/plugins/"
	done
	for program in insist mixed next; do
		install "$build/tests/system/.libs/$program" "$root/ruche-boot/bin/" 2>/dev/null ||
			install "$build/tests/system/$program" "$root/ruche-boot/bin/"
	done
	printf '%s\n' "$@" >"$root/ruche-boot/names"
	cat >"$root/etc/systemd/system/ruche-boot.service" <<-END
		[Unit]
		Description=The tests of ruche under systemd
		After=sysinit.target basic.target
		Requires=basic.target
		[Service]
		Type=oneshot
		ExecStart=/ruche-boot/inside/run
		TimeoutStartSec=infinity
	END
}

# ---- what the kernel shows --------------------------------------------------------------------

# Settings of the kernel are the whole machine's, and systemd would change some.  One /proc without anything mounted over it
# must be there, out of reach, or the kernel allows no further one.
mount_proc() {
	mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
	mount --bind "$root/proc/sys" "$root/proc/sys"
	mount --bind "$root/proc/sys/net" "$root/proc/sys/net"
	mount -o remount,bind,ro "$root/proc/sys"
	mkdir -m 0 "$root/ruche-boot/proc"
	mount -t proc proc "$root/ruche-boot/proc"
	mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys"
}

mount_dev() {
	local name
	mount -t tmpfs -o mode=755,nosuid tmpfs "$root/dev"
	mkdir "$root/dev/pts" "$root/dev/shm"
	for name in null zero full random urandom tty; do
		cp -a "/dev/$name" "$root/dev/$name"
	done
	mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
	mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
	ln -s pts/ptmx "$root/dev/ptmx"
	ln -s /proc/self/fd "$root/dev/fd"
	ln -s fd/0 "$root/dev/stdin"
	ln -s fd/1 "$root/dev/stdout"
	ln -s fd/2 "$root/dev/stderr"
	: >"$root/dev/console"
	mount --bind "$out/console" "$root/dev/console"
}

# The names in out/hierarchies, each where systemd looks for it.
mount_groups() {
	local name to=$root/sys/fs/cgroup
	if [ "$(cat "$out/hierarchies")" = unified ]; then
		mount -t cgroup2 cgroup2 "$to"
		return
	fi
	mount -t tmpfs -o mode=755 tmpfs "$to"
	while read -r name; do
		mkdir "$to/${name#name=}"
		case $name in
		unified) mount -t cgroup2 cgroup2 "$to/unified" ;;
		*) mount -t cgroup -o "$name" cgroup "$to/${name#name=}" ;;
		esac
	done <"$out/hierarchies"
}

mount_all() {
	local folder
	for folder in run tmp var/tmp var/log; do
		mount -t tmpfs tmpfs "$root/$folder"
	done
	chmod 755 "$root/run"
	chmod 1777 "$root/tmp" "$root/var/tmp"
	mount --bind "$out" "$root/ruche-boot/out"
	mount_proc
	mount_dev
	mount_groups
}

# ---- and there it is ----------------------------------------------------------------------------

make_root
strip_root
install_all "$@"
mount_all
hostname ruche-boot
cd "$root"
mkdir .before
pivot_root . .before
cd /
# Neither the clock nor the kernel of the machine is for the systemd inside.
exec env -i container=ruche-boot PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb \
	setpriv --bounding-set -sys_module,-sys_rawio,-sys_time,-syslog,-wake_alarm \
	sh -c 'umount -l /.before && exec /lib/systemd/systemd "$@"' sh \
	systemd.unit=ruche-boot.service systemd.show_status=0
