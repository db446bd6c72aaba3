/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_FUNCTIONS_H
#define SUPERVISOR_FUNCTIONS_H

/*
 * What the pool's runtime can do, as the fork server told it: a table of functions by
 * name.  Filled by functions_add(), then put in order by functions_sort().
 */

#include <stdbool.h>
#include <stddef.h>

struct function {
	char *name, *params, *summary, *plugin; /* all but the name may be NULL */
};

struct functions {
	struct function *all;
	size_t count, cap;
};

/* Copies of NUL-terminated strings.  0 or -ENOMEM. */
int functions_add(struct functions *functions, const struct function *function);
void functions_sort(struct functions *functions);
bool functions_has(const struct functions *functions, const char *name, size_t len);
void functions_fini(struct functions *functions); /* leaves an empty table */

#endif
