/* SPDX-License-Identifier: MIT */
#ifndef WORKER_CONFINE_H
#define WORKER_CONFINE_H

/*
 * What workers, and all that they start, are not to do: gain rights by running a program, make certain
 * system calls, write outside of certain places.  None of it can be taken off again.
 *
 * The fork server finds out whether all of it can be had, so that a pool is refused that could not be
 * confined as it says.  It takes on itself only that it gains no rights: it is to go on forking.
 */

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>

/* Strings are borrowed from argv. */
struct confine {
	bool no_new_privs; /* needed by both of the others */
	const char
		*deny; /* names of system calls and of sets of them, between blanks; NULL: none */
	bool keeps_from_writing;
	const char **writable; /* paths below which it may be written all the same */
	size_t writable_count;
	struct sock_fprog filter; /* made of `deny` */
};

/* Both: 0, or a negative errno with a message for people in `error` (PLUGIN_ERROR_MAX bytes). */
int confine_prepare(
	struct confine *confine, char *error); /* in the fork server, when it has its user */
int confine_enter(const struct confine *confine, char *error); /* in each worker */

void confine_fini(struct confine *confine);

#endif
