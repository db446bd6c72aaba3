/* SPDX-License-Identifier: MIT */
#include "core/identity.h"

#include <stdlib.h>
#include <string.h>

static void apply(const struct identities *identities, struct identity *identity)
{
	struct access_subject subject = {.uid = identity->uid,
		.gid = identity->gid,
		.groups = identity->groups,
		.group_count = identity->group_count,
		.master = identity->uid == 0 || identity->uid == identities->master};

	identity->rights = access_find(identities->policy, &subject);
	identity->asked = NULL;
	identity->asked_in = NULL;
}

void identities_apply(struct identities *identities, const struct access_policy *policy)
{
	identities->policy = policy;
	for (struct identity *i = identities->first; i != NULL; i = i->next)
		apply(identities, i);
}

static bool is_like(const struct identity *identity, uid_t uid, gid_t gid, const gid_t *groups,
	size_t group_count)
{
	return identity->uid == uid && identity->gid == gid &&
	       identity->group_count == group_count &&
	       (group_count == 0 ||
		       memcmp(identity->groups, groups, group_count * sizeof(*groups)) == 0);
}

static void identity_free(struct identity *identity)
{
	free(identity->groups);
	free(identity);
}

static struct identity *make(uid_t uid, gid_t gid, const gid_t *groups, size_t group_count)
{
	struct identity *identity = calloc(1, sizeof(*identity));

	if (identity == NULL)
		return NULL;
	identity->uid = uid;
	identity->gid = gid;
	if (group_count == 0)
		return identity;
	identity->groups = calloc(group_count, sizeof(*groups));
	if (identity->groups == NULL) {
		identity_free(identity);
		return NULL;
	}
	memcpy(identity->groups, groups, group_count * sizeof(*groups));
	identity->group_count = group_count;
	return identity;
}

struct identity *identities_get(struct identities *identities, uid_t uid, gid_t gid,
	const gid_t *groups, size_t group_count)
{
	struct identity *identity = identities->first;

	while (identity != NULL && !is_like(identity, uid, gid, groups, group_count))
		identity = identity->next;
	if (identity != NULL)
		return identity_ref(identity);
	identity = make(uid, gid, groups, group_count);
	if (identity == NULL)
		return NULL;
	apply(identities, identity);
	identity->next = identities->first;
	identities->first = identity;
	return identity_ref(identity);
}

void identity_unref(struct identities *identities, struct identity *identity)
{
	struct identity **at = &identities->first;

	if (identity == NULL || --identity->refs > 0)
		return;
	while (*at != identity)
		at = &(*at)->next;
	*at = identity->next;
	identity_free(identity);
}

void identities_fini(struct identities *identities)
{
	while (identities->first != NULL) {
		struct identity *identity = identities->first;

		identities->first = identity->next;
		identity_free(identity);
	}
}
