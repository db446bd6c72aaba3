#!/bin/bash
# SPDX-License-Identifier: MIT
# What workers are kept from: gaining rights, system calls, writing outside of their places.
. "${top_srcdir:-.}/tests/system/lib.sh" || exit 99
[ -z "${RUCHE_TEST_VALGRIND:-}" ] || {
	echo '1..0 # SKIP valgrind makes system calls of its own, and knows none of those that confine'
	exit 77
}
# A worker that must not trace could not look for leaks at its end either.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"
has_seccomp() { grep -q '^#define HAVE_SECCOMP 1' "$top_builddir/config.h"; }
has_landlock() {
	"$PYTHON3" -c 'import ctypes, sys
sys.exit(ctypes.CDLL(None).syscall(444, None, 0, 1) < 1)'
}
mkdir "$dir/work" "$dir/elsewhere"
chmod 755 "$dir"
chmod 777 "$dir/work" "$dir/elsewhere"
echo mine >"$dir/elsewhere/file"
cat >"$dir/conf" <<END
[pool default]
workers = 1
[pool plain]
workers = 1
no_new_privs = yes
END
run() { "$ruche" run --pool "$@"; }

# ---- rights --------------------------------------------------------------------------------

start_daemon --config "$dir/conf" --plugin "$test_plugins/crash.so"
no_new_privs() { run "$1" -- grep NoNewPrivs /proc/self/status; }
own=$(grep NoNewPrivs /proc/self/status)
check_output 'by default a pool is as the daemon is' "$own" no_new_privs default
check_output 'with no_new_privs its workers gain no rights' $'NoNewPrivs:\t1' no_new_privs plain
check_output 'nor does its fork server' 1 \
	eval 'for p in $(pgrep -P $daemon ruche-forkserve); do grep "NoNewPrivs:.1" /proc/$p/status; done | wc -l'
check 'the daemon ends well' stop_daemon

# ---- system calls ------------------------------------------------------------------------------

if has_seccomp; then
	cat >>"$dir/conf" <<END
[pool strict]
plugin = $RUCHE_PLUGIN_DIR/tutorial.so
workers = 1
deny_syscalls = @default mkdir mkdirat   symlinkat
END
	check_status 'they are called good' 0 "$RUCHE_DAEMON" --check-config --config "$dir/conf"
	start_daemon --config "$dir/conf" --plugin "$test_plugins/crash.so"
	check_output 'a filter is in force' $'Seccomp:\t2' run strict -- grep '^Seccomp:' /proc/self/status
	check_output 'and none in another pool' "$(grep '^Seccomp:' /proc/self/status)" \
		run default -- grep '^Seccomp:' /proc/self/status
	check_output 'nobody gains rights there' $'NoNewPrivs:\t1' no_new_privs strict
	check_status 'what is named cannot be done' 1 run strict -- mkdir "$dir/work/new"
	check_said 'and says so' 'Operation not permitted'
	check 'and was not done' test ! -e "$dir/work/new"
	cat >"$dir/calls.py" <<'PY'
"""Every call of the set that Python can make: which of them do not fail with EPERM."""
import ctypes, errno, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def error(name, *args):
    ctypes.set_errno(0)
    return errno.errorcode.get(ctypes.get_errno(), "none") if getattr(libc, name)(*args) < 0 else "none"
for name, *args in (("mount", b"none", b"/nowhere", b"tmpfs", 0, None), ("umount2", b"/nowhere", 0),
        ("chroot", b"/nowhere"), ("reboot", 1), ("swapoff", b"/nowhere"), ("acct", b"/nowhere"),
        ("ptrace", 16, 99999999, 0, 0), ("setns", -1, 0), ("unshare", 0x10000000), ("unshare", 0),
        ("sethostname", b"x", -1), ("process_vm_readv", 99999999, None, 0, None, 0, 0),
        ("syscall", 425, 0, 0), ("syscall", 321, -1, 0, 0),
        ("syscall", 56, 0x10000000 | 17, 0, 0, 0, 0), ("syscall", 56, 0x20000 | 0x80000000 | 17, 0, 0, 0, 0)):
    if os.uname().machine != "x86_64" and name == "syscall":
        continue
    got = error(name, *args)
    if got != "EPERM":
        print(name, args, got)
pid = os.fork()
if pid == 0:
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PY
	check_output 'nor what is in the set; but processes are made' 7 \
		run strict -- "$PYTHON3" "$dir/calls.py"
	check_output 'threads as well' 'in a thread' run strict -- "$PYTHON3" -c 'import threading
t = threading.Thread(target=print, args=("in a thread",))
t.start()
t.join()'
	check_output 'functions are called' 27 "$ruche" call strict/cube 3
	stop_daemon

	printf '[pool default]\n[pool x]\nworkers = 1\ndeny_syscalls = @default  mount bees\n' >"$dir/bad"
	check_status 'a name that is none is refused' 1 "$RUCHE_DAEMON" --check-config --config "$dir/bad"
	check_said 'with file, line and name' "$dir/bad:4: deny_syscalls takes .*'bees'"
	printf '[pool x]\nno_new_privs = no\ndeny_syscalls = mount\n' >"$dir/bad"
	check_status 'what contradicts it as well' 1 "$RUCHE_DAEMON" --check-config --config "$dir/bad"
	check_said 'and why' 'no_new_privs = no: it cannot be had with deny_syscalls'
	printf '[pool x]\nworkers = 1\ndeny_syscalls = write\n' >"$dir/bad"
	"$RUCHE_DAEMON" --socket "$sock" --config "$dir/bad" >>"$daemon_log" 2>&1 &
	daemon=$!
	check_output 'who denies what a worker needs has no workers there, and the others work' 27 \
		eval 'wait_for "$ruche" ping && "$ruche" call cube 3'
	stop_daemon
else
	echo '# no libseccomp in this build: system calls are not tested'
	printf '[pool x]\ndeny_syscalls = mount\n' >"$dir/bad"
	check_status 'without libseccomp nothing can be denied' 1 \
		"$RUCHE_DAEMON" --check-config --config "$dir/bad"
	check_said 'and it is said' "$dir/bad:2: deny_syscalls cannot be had: .* without libseccomp"
fi

# ---- places ------------------------------------------------------------------------------------

cat >>"$dir/conf" <<END
[pool kept]
workers = 1
writable = $dir/work
[pool nowhere]
workers = 1
writable = none
END
if has_landlock; then
	start_daemon --config "$dir/conf" --plugin "$test_plugins/crash.so"
	in_kept() { run kept -- sh -c "$1"; }
	check_status 'below its place a worker writes' 0 \
		in_kept "cd $dir/work && mkdir -p a/b && echo x >a/b/file && mv a/b/file a/file && ln -s a l && rm -r a l"
	check_status 'elsewhere it makes no file' 2 in_kept ": >$dir/elsewhere/new"
	check_said 'and says why' 'Permission denied'
	check_status 'nor a folder' 1 in_kept "mkdir $dir/elsewhere/new"
	check_status 'nor writes to what is there' 2 in_kept "echo x >>$dir/elsewhere/file"
	check_status 'nor removes it' 1 in_kept "rm -f $dir/elsewhere/file"
	check_status 'nor moves it to where it may' 1 in_kept "mv $dir/elsewhere/file $dir/work/"
	check_status 'nor by a link from there' 2 in_kept "ln -s $dir/elsewhere $dir/work/out; : >$dir/work/out/new"
	check_output 'it is as it was' 'file mine' eval 'echo $(ls "$dir/elsewhere") $(cat "$dir/elsewhere/file")'
	check_output 'it is read' mine run kept -- cat "$dir/elsewhere/file"
	check_status 'devices that keep nothing are written to' 0 in_kept 'echo x >/dev/null && ! echo x >/dev/full'
	check_output 'as are stdout and stderr, by whatever name' $'one\ntwo' \
		in_kept 'echo one >/dev/stdout; echo two >/proc/self/fd/1'
	check_output 'a task calls the daemon' 27 run kept -- "$ruche" call cube 3
	check_output 'functions are held to it too' 'None PermissionError' run kept -- "$PYTHON3" -c "
import os, tempfile
def how(path):
    try:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
    except OSError as e:
        return type(e).__name__
print(how('$dir/work/f'), how('$dir/elsewhere/f'))"
	check_status 'with none nothing is written' 2 run nowhere -- sh -c ": >$dir/work/other"
	check_output 'but to where it keeps nothing' said run nowhere -- sh -c 'echo said | tee /dev/null'
	check_status 'other pools write where they may' 0 run default -- sh -c ": >$dir/elsewhere/new"

	# A folder that is made anew is found by the next worker; one that has gone is not forgotten.
	rm -r "$dir/work"
	mkdir "$dir/work"
	old=$(run kept -- sh -c 'echo $PPID')
	kill -KILL "$old"
	check_status 'a folder that was made again is the one' 0 in_kept ": >$dir/work/again"
	mv "$dir/work" "$dir/gone"
	kill -KILL "$(run kept -- sh -c 'echo $PPID')"
	check_status 'without it there is no worker' 69 in_kept 'true'
	check_said 'and the caller is told which' "writable: $dir/work cannot be opened: No such file"
	check_status 'a reload finds it too' 1 "$ruche" reload
	mv "$dir/gone" "$dir/work"
	check_status 'when it is back' 0 "$ruche" reload
	check_status 'all is well' 0 in_kept ": >$dir/work/back"
else
	echo '# no Landlock in this kernel: places are not tested'
	check_status 'a pool that could not be confined is not started' 1 \
		"$RUCHE_DAEMON" --socket "$sock" --config "$dir/conf"
	check_said 'and why' 'this kernel cannot keep workers from writing'
fi
printf '[pool x]\nwritable = work\n' >"$dir/bad"
check_status 'a place is named from / on' 1 "$RUCHE_DAEMON" --check-config --config "$dir/bad"
check_said 'and is there' "$dir/bad:2: writable takes a path that begins with /, or none"
printf '[pool x]\nwritable = %s\n' "$dir/nothing" >"$dir/bad"
check_status 'or it is refused' 1 "$RUCHE_DAEMON" --check-config --config "$dir/bad"
check_said 'with its name' "$dir/bad:2: writable names $dir/nothing, which cannot be found"

# ---- as somebody else --------------------------------------------------------------------------

if [ "$(id -u)" -eq 0 ] && has_seccomp && has_landlock; then
	stop_daemon
	chmod 777 "$dir/work"
	cat >"$dir/conf" <<END
[pool default]
workers = 1
[pool all]
workers = 2
user = nobody
no_new_privs = yes
deny_syscalls = @default
writable = $dir/work
rlimit_nofile = 64
END
	start_daemon --config "$dir/conf"
	check_output 'all of it together, as another user' "nobody 64 1 2" run all -- sh -c \
		'echo $(id -un) $(ulimit -n) $(sed -nE "s/^(NoNewPrivs|Seccomp):\t//p" /proc/self/status)'
	check_status 'who writes in the place' 0 run all -- sh -c ": >$dir/work/by-nobody"
	check_status 'and not elsewhere' 2 run all -- sh -c ": >$dir/elsewhere/by-nobody"
fi
finish
