/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_FUNCTIONS_H
#define SUPERVISOR_FUNCTIONS_H

/*
 * What the pool's runtime can do, as the fork server told it: a table of functions by
 * name.  Filled by functions_add(), then put in order by functions_sort().
 */

#include <stdbool.h>
#include <stddef.h>

struct record;

struct function {
	char *name, *params, *summary, *plugin; /* all but the name may be NULL */
	size_t name_len;
	struct record *record; /* what is known of it beyond this table; borrowed */
};

struct functions {
	struct function *all;
	size_t count, cap;
	size_t last; /* that was found */
};

/* Copies of NUL-terminated strings.  0 or -ENOMEM. */
int functions_add(struct functions *functions, const struct function *function);
void functions_sort(struct functions *functions);
/* NULL: there is none of this name. */
const struct function *functions_find(struct functions *functions, const char *name, size_t len);
/* `to` becomes what `from` is, which is then empty. */
void functions_take(struct functions *to, struct functions *from);
void functions_fini(struct functions *functions); /* leaves an empty table */

#endif
