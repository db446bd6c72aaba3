/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "worker/syscalls.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "worker/plugin.h"

#ifdef HAVE_SECCOMP

#include <sched.h>
#include <seccomp.h>

static const char blanks[] = " \t";

/* @default.  Some are not there on every architecture. */
static const char *const dangerous[] = {
	/* what is mounted where */
	"chroot", "fsconfig", "fsmount", "fsopen", "fspick", "mount", "mount_setattr", "move_mount",
	"open_tree", "pivot_root", "umount", "umount2",
	/* the kernel and the machine */
	"acct", "bpf", "create_module", "delete_module", "finit_module", "init_module", "ioperm",
	"iopl", "kexec_file_load", "kexec_load", "nfsservctl", "open_by_handle_at",
	"perf_event_open", "quotactl", "quotactl_fd", "reboot", "swapoff", "swapon", "syslog",
	"vhangup",
	/* ways around such a filter, or into the kernel */
	"io_uring_enter", "io_uring_register", "io_uring_setup", "userfaultfd",
	/* other processes */
	"kcmp", "pidfd_getfd", "process_madvise", "process_vm_readv", "process_vm_writev", "ptrace",
	/* keys of others */
	"add_key", "keyctl", "request_key",
	/* names and time */
	"adjtimex", "clock_adjtime", "clock_adjtime64", "clock_settime", "clock_settime64",
	"setdomainname", "sethostname", "settimeofday", "stime",
	/* namespaces, with clone() below */
	"setns", "unshare"};

enum {
	CLONE_NEW = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
		    CLONE_NEWPID | CLONE_NEWNET
};

#if defined(__s390__)
#define CLONE_FLAGS(op, ...) SCMP_A1(op, __VA_ARGS__)
#else
#define CLONE_FLAGS(op, ...) SCMP_A0(op, __VA_ARGS__)
#endif

/* Denied already is as good. */
static int unless_there(int r)
{
	return r == -EEXIST ? 0 : r;
}

static int deny(scmp_filter_ctx ctx, int number)
{
	return unless_there(seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), number, 0));
}

/*
 * clone() for another namespace fails, one bit at a time, as any of them may be set; clone3() keeps its flags where no filter
 * sees them, and who finds it missing takes clone().
 */
static int deny_namespaces(scmp_filter_ctx ctx)
{
	int r = unless_there(seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0));

	for (unsigned long bit = 1; r == 0 && bit <= CLONE_NEW; bit <<= 1)
		if ((CLONE_NEW & bit) != 0)
			r = unless_there(seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM),
				SCMP_SYS(clone), 1, CLONE_FLAGS(SCMP_CMP_MASKED_EQ, bit, bit)));
	return r;
}

static int deny_dangerous(scmp_filter_ctx ctx)
{
	int r = deny_namespaces(ctx);

	for (size_t i = 0; r == 0 && i < sizeof(dangerous) / sizeof(*dangerous); i++) {
		int number = seccomp_syscall_resolve_name(dangerous[i]);

		if (number != __NR_SCMP_ERROR)
			r = deny(ctx, number);
	}
	return r;
}

static int deny_word(scmp_filter_ctx ctx, const char *word, char *error)
{
	int number, r;

	if (strcmp(word, "@default") == 0) {
		r = deny_dangerous(ctx);
	} else {
		number = seccomp_syscall_resolve_name(word);
		r = number == __NR_SCMP_ERROR ? -EINVAL : deny(ctx, number);
	}
	if (r < 0)
		text_format(error, PLUGIN_ERROR_MAX, "deny_syscalls: %.100s: %s", word,
			r == -EINVAL ? "there is no such system call, nor a set of them"
				     : strerror(-r));
	return r;
}

static int deny_words(scmp_filter_ctx ctx, const char *names, char *error)
{
	char *copy = strdup(names), *rest = NULL;
	int r = copy != NULL ? 0 : -ENOMEM;

	for (char *word = copy != NULL ? strtok_r(copy, blanks, &rest) : NULL;
		r == 0 && word != NULL; word = strtok_r(NULL, blanks, &rest))
		r = deny_word(ctx, word, error);
	free(copy);
	return r;
}

/* Programs of 32 bits are held to the same, and other numbers are none that we know. */
static int set_up(scmp_filter_ctx ctx)
{
	int r = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));

#if defined(__x86_64__)
	if (r == 0)
		r = seccomp_arch_add(ctx, SCMP_ARCH_X86);
#elif defined(__aarch64__)
	if (r == 0)
		r = seccomp_arch_add(ctx, SCMP_ARCH_ARM);
#endif
	/* A tree instead of a list: a call costs much the same however many are denied. */
	return r == 0 ? seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2) : r;
}

static int read_filter(int fd, struct sock_fprog *ret)
{
	off_t size = lseek(fd, 0, SEEK_END);
	struct sock_filter *filter;

	if (size <= 0 || size / (off_t)sizeof(*filter) > BPF_MAXINSNS)
		return -E2BIG;
	filter = malloc((size_t)size);
	if (filter == NULL)
		return -ENOMEM;
	if (pread(fd, filter, (size_t)size, 0) != size) {
		free(filter);
		return -EIO;
	}
	ret->filter = filter;
	ret->len = (unsigned short)((size_t)size / sizeof(*filter));
	return 0;
}

static int export(scmp_filter_ctx ctx, struct sock_fprog *ret)
{
	int fd = memfd_create("ruche-filter", MFD_CLOEXEC);
	int r = fd < 0 ? -errno : seccomp_export_bpf(ctx, fd);

	if (r == 0)
		r = read_filter(fd, ret);
	fd_close(&fd);
	return r;
}

int syscalls_compile(const char *names, struct sock_fprog *ret, char *error)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int r = ctx != NULL ? set_up(ctx) : -ENOMEM;

	text_format(error, PLUGIN_ERROR_MAX, "deny_syscalls: no filter can be made");
	if (r == 0)
		r = deny_words(ctx, names, error);
	if (r == 0)
		r = export(ctx, ret);
	seccomp_release(ctx);
	return r;
}

#else

int syscalls_compile(const char *names, struct sock_fprog *ret, char *error)
{
	(void)names;
	(void)ret;
	text_format(error, PLUGIN_ERROR_MAX,
		"deny_syscalls: this ruche was built without libseccomp; take it out of the pool");
	return -ENOSYS;
}

#endif

int syscalls_deny(const struct sock_fprog *filter, char *error)
{
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, filter) == 0)
		return 0;
	text_format(
		error, PLUGIN_ERROR_MAX, "no system call can be denied to it: %s", strerror(errno));
	return -errno;
}
