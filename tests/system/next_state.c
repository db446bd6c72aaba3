/* SPDX-License-Identifier: MIT */
/*
 * The next version of the daemon: it writes something into each record that this version does not know.  And it
 * finds that it cannot go on, after it has said that it could, where there is the file that RUCHE_TEST_UNABLE names.
 */
#include <stdlib.h>

#include "supervisor/state.h"

void state_end_before(struct state_writer *w);
int state_keep_fds_before(const struct state_reader *r);

#define state_end state_end_before
#define state_keep_fds state_keep_fds_before
#include "../../src/supervisor/state.c"
#undef state_end
#undef state_keep_fds

void state_end(struct state_writer *w)
{
	state_put_uint(w, "of_the_next_version", 1);
	state_end_before(w);
}

int state_keep_fds(const struct state_reader *r)
{
	const char *file = getenv("RUCHE_TEST_UNABLE");

	if (!r->on_trial && file != NULL && access(file, F_OK) == 0)
		return -EIO;
	return state_keep_fds_before(r);
}
