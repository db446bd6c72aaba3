/* SPDX-License-Identifier: MIT */
#ifndef CORE_IDENTITY_H
#define CORE_IDENTITY_H

/*
 * Who asks, as the kernel told when they connected: user, group, supplementary groups, and what all that may do.
 * There is one of each kind, whoever has it: connections refer to it, and the tasks that they open, so that a
 * task's own calls can have the rights of whoever asked for it.  A policy that changes is applied to each once.
 */

#include <stddef.h>
#include <sys/types.h>

#include "core/access.h"

struct record;

struct identity {
	uid_t uid;
	gid_t gid;
	gid_t *groups;
	size_t group_count, refs;
	uint32_t number; /* in a state that is saved */
	struct identity *next;
	struct access_rights rights;

	/* The last that was asked about: mostly it is the same again. */
	const struct record *asked;
	const void *asked_in;
	bool allowed;
};

struct identities {
	struct identity *first;
	const struct access_policy *policy; /* borrowed, in force */
	uid_t master;                       /* besides root */
};

/* The one that is like this, made if there is none, and a reference to it; NULL: no memory. */
struct identity *identities_get(struct identities *identities, uid_t uid, gid_t gid,
	const gid_t *groups, size_t group_count);
/* This policy, which is borrowed, counts from now on. */
void identities_apply(struct identities *identities, const struct access_policy *policy);
void identities_fini(struct identities *identities); /* frees all, whoever still refers to them */

/* Itself; NULL is allowed. */
static inline struct identity *identity_ref(struct identity *identity)
{
	if (identity != NULL)
		identity->refs++;
	return identity;
}
void identity_unref(struct identities *identities, struct identity *identity); /* likewise */

#endif
