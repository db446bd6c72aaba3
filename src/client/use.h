/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_USE_H
#define CLIENT_USE_H

/*
 * What a handle has open: the daemon counts each ruche.open until its ruche.close.  A use is the first member of the
 * struct that the caller has.
 */

#include <stdbool.h>
#include <sys/queue.h>
#include <sys/types.h>

enum { USE_NAME_MAX = 255 };

struct ruche;

struct use {
	LIST_ENTRY(use) link;
	struct ruche *ruche; /* NULL: that has been closed, and the use has ended with it */
	pid_t pid; /* whose it is; what a fork of that has is a copy, and the daemon knows nothing of it */
	bool ends_with_handle; /* it is freed with the handle */
	char name[USE_NAME_MAX + 1];
};

LIST_HEAD(use_list, use);

/* -EINVAL: no name. */
int use_check_name(const char *name);

/* The daemon has said that it is open under this name. */
void use_begin(struct use *use, struct ruche *ruche, const char *name);

/* Is it of this process, and its handle there? */
bool use_is_live(const struct use *use);

/* Tells the daemon, without waiting, if it has not ended.  Does not free it. */
void use_end(struct use *use);

/* The handle is being closed: all end. */
void uses_end(struct ruche *ruche);

#endif
