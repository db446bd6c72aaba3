/* SPDX-License-Identifier: MIT */
#include "worker/confine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/fd.h"
#include "base/text.h"
#include "worker/landlock.h"
#include "worker/plugin.h"
#include "worker/syscalls.h"

static int gain_no_rights(char *error)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		return 0;
	text_format(error, PLUGIN_ERROR_MAX, "no_new_privs cannot be set: %s", strerror(errno));
	return -errno;
}

static int make_landlock(const struct confine *c, int *ret, char *error)
{
	return landlock_make(c->writable, c->writable_count, ret, error);
}

int confine_prepare(struct confine *c, char *error)
{
	int r = 0, landlock = -1;

	if (c->no_new_privs)
		r = gain_no_rights(error);
	if (r == 0 && c->deny != NULL)
		r = syscalls_compile(c->deny, &c->filter, error);
	if (r == 0 && c->keeps_from_writing)
		r = make_landlock(c, &landlock, error);
	fd_close(&landlock);
	return r;
}

/* The places are looked for anew each time: a folder that was made again is another one. */
static int keep_from_writing(const struct confine *c, char *error)
{
	int landlock = -1;
	int r = make_landlock(c, &landlock, error);

	if (r == 0)
		r = landlock_enter(landlock, error);
	fd_close(&landlock);
	return r;
}

int confine_enter(const struct confine *c, char *error)
{
	int r = c->keeps_from_writing ? keep_from_writing(c, error) : 0;

	return r == 0 && c->deny != NULL ? syscalls_deny(&c->filter, error) : r;
}

void confine_fini(struct confine *c)
{
	free(c->writable);
	free(c->filter.filter);
	*c = (struct confine){0};
}
