/* SPDX-License-Identifier: MIT */
#include "worker/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "worker/plugin.h"

#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

/* What can be said of a file that is no folder. */
#define OF_A_FILE (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE)

#define SINCE_1                                                                                    \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                           \
		LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |                    \
		LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |                        \
		LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |                      \
		LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)
#define SINCE_2 LANDLOCK_ACCESS_FS_REFER
#define SINCE_3 LANDLOCK_ACCESS_FS_TRUNCATE

/* What programs take for granted; what is not there is left out. */
static const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random",
	"/dev/urandom", "/dev/tty", "/dev/ptmx", "/dev/pts"};

/* All kinds of writing that this kernel can forbid; 0: it has no Landlock. */
static uint64_t kinds_of_writing(void)
{
	long version =
		syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	if (version < 1)
		return 0;
	return SINCE_1 | (version >= 2 ? SINCE_2 : 0) | (version >= 3 ? SINCE_3 : 0);
}

static int allow_below(int ruleset, uint64_t kinds, const char *path)
{
	struct landlock_path_beneath_attr below = {
		.parent_fd = open(path, O_PATH | O_CLOEXEC), .allowed_access = kinds};
	struct stat info;
	int r = 0;

	if (below.parent_fd < 0)
		return -errno;
	if (fstat(below.parent_fd, &info) == 0 && !S_ISDIR(info.st_mode))
		below.allowed_access &= OF_A_FILE;
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &below, 0) < 0)
		r = -errno;
	close(below.parent_fd);
	return r;
}

static int allow_all(
	int ruleset, uint64_t kinds, const char *const *paths, size_t count, char *error)
{
	for (size_t i = 0; i < sizeof(devices) / sizeof(*devices); i++)
		(void)allow_below(ruleset, kinds, devices[i]);
	for (size_t i = 0; i < count; i++) {
		int r = allow_below(ruleset, kinds, paths[i]);

		if (r == 0)
			continue;
		text_format(error, PLUGIN_ERROR_MAX, "writable: %.400s cannot be opened: %s",
			paths[i], strerror(-r));
		return r;
	}
	return 0;
}

int landlock_make(const char *const *paths, size_t count, int *ret, char *error)
{
	struct landlock_ruleset_attr attr = {.handled_access_fs = kinds_of_writing()};
	int ruleset, r;

	if (attr.handled_access_fs == 0) {
		text_format(error, PLUGIN_ERROR_MAX,
			"this kernel cannot keep workers from writing (it has no Landlock, or not "
			"at "
			"its start: see lsm= of the kernel); take `writable` out of the pool");
		return -ENOSYS;
	}
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (ruleset < 0) {
		r = -errno;
		text_format(error, PLUGIN_ERROR_MAX, "writable: no rules can be made: %s",
			strerror(-r));
		return r;
	}
	r = allow_all(ruleset, attr.handled_access_fs, paths, count, error);
	if (r < 0)
		fd_close(&ruleset);
	else
		*ret = ruleset;
	return r;
}

int landlock_enter(int ruleset, char *error)
{
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) == 0)
		return 0;
	text_format(error, PLUGIN_ERROR_MAX, "it cannot be kept from writing: %s", strerror(errno));
	return -errno;
}
