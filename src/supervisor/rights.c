/* SPDX-License-Identifier: MIT */
#include "supervisor/rights.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "supervisor/forkserver.h"
#include "supervisor/nested.h"
#include "supervisor/running.h"
#include "supervisor/worker.h"

/* ---- who it is ----------------------------------------------------------------------------- */

enum { GROUPS_FIRST = 64 };

/* The caller frees *ret; a peer that has none, or of which the kernel does not know, has none. */
static int read_groups(int fd, gid_t **ret, size_t *ret_count)
{
	socklen_t len = GROUPS_FIRST * sizeof(gid_t);
	gid_t *groups = malloc(len);

	if (groups != NULL && getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0) {
		free(groups);
		groups = malloc(len); /* now it says how much it has, and that does not change */
		if (errno != ERANGE || (groups != NULL && getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS,
								  groups, &len) < 0))
			len = 0;
	}
	*ret = groups;
	*ret_count = len / sizeof(gid_t);
	return groups == NULL ? -ENOMEM : 0;
}

int rights_learn(struct session *session)
{
	struct ucred peer = {.pid = 0, .uid = (uid_t)-1, .gid = (gid_t)-1};
	socklen_t len = sizeof(peer);
	gid_t *groups;
	size_t count;

	getsockopt(session->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len);
	if (read_groups(session->fd, &groups, &count) < 0)
		return -ENOMEM;
	session->pid = peer.pid;
	session->self =
		identities_get(&session->sup->identities, peer.uid, peer.gid, groups, count);
	session->speaks_for = identity_ref(session->self);
	free(groups);
	return session->self == NULL ? -ENOMEM : 0;
}

void rights_forget(struct session *session)
{
	identity_unref(&session->sup->identities, session->speaks_for);
	identity_unref(&session->sup->identities, session->self);
	session->speaks_for = session->self = NULL;
}

/* ---- for whom it speaks ---------------------------------------------------------------------- */

static void speak_for(struct session *session, struct identity *identity)
{
	identity_ref(identity);
	identity_unref(&session->sup->identities, session->speaks_for);
	session->speaks_for = identity;
}

void rights_drop(struct session *session)
{
	speak_for(session, NULL);
}

/* What it opens from now on is this user's.  False: there is no memory. */
static bool change_user(struct session *session, uid_t uid)
{
	struct users *users = &session->sup->users;
	struct client *client;

	if (session->client->user->uid == uid)
		return true;
	client = client_new(users, uid);
	if (client == NULL)
		return false;
	client_release(users, session->client);
	session->client = client;
	return true;
}

/* What a worker does before it is ready is no task's: the code that it was given is set up. */
static struct identity *find_caller(const struct session *session)
{
	struct worker *worker = session->parent;
	const struct task *task = worker_head(worker);

	if (!worker->ready)
		return session->self;
	return task != NULL ? task->identity : NULL;
}

void rights_follow(struct session *session)
{
	struct identity *caller;

	if (session->parent == NULL || session->full)
		return; /* while it is full, it is not listened to */
	caller = find_caller(session);
	if (caller == session->speaks_for)
		return;
	if (caller != NULL && !change_user(session, caller->uid))
		caller = NULL;
	speak_for(session, caller);
}

bool rights_allow_join(const struct session *session, const struct worker *worker)
{
	return session->self->rights.master || session->self->uid == worker->forkserver->uid;
}

/* The most that a user may have running, whichever groups it has come with; 0: no limit. */
static uint64_t running_limit(const struct supervisor *sup, uid_t uid)
{
	uint64_t limit = 0;

	for (const struct identity *i = sup->identities.first; i != NULL; i = i->next) {
		uint64_t its = rights_user_running(sup, i);

		if (i->uid != uid)
			continue;
		if (its == 0)
			return 0;
		limit = its > limit ? its : limit;
	}
	return limit;
}

void rights_apply(struct supervisor *sup, bool had_rules)
{
	identities_apply(&sup->identities, &sup->config.policy);
	for (struct user *user = sup->users.first; user != NULL; user = user->next)
		user_judge(user, running_limit(sup, user->uid));
	running_wake(sup);
	/* Without rules nobody had asked where they come from. */
	for (uint32_t i = 0; !had_rules && i < sup->sessions.cap; i++)
		if (sup->sessions.all[i] != NULL && sup->sessions.all[i]->parent == NULL)
			nested_join_by_pid(sup->sessions.all[i]);
}

/* ---- questions ---------------------------------------------------------------------------------- */

static const char *name_of(const struct pool *pool)
{
	return pool->config->name;
}

bool rights_may(const struct session *session, enum access_method method, const struct pool *pool)
{
	return session->speaks_for != NULL && access_may(&session->speaks_for->rights, method,
						      pool != NULL ? name_of(pool) : NULL);
}

bool rights_sees_all(const struct session *session)
{
	return rights_may(session, ACCESS_TASKS, NULL);
}

bool rights_may_see(const struct session *session, const struct user *user)
{
	return rights_has_any(session) &&
	       (session->client->user == user || rights_sees_all(session));
}

bool rights_may_call(
	const struct session *session, const struct pool *pool, const struct record *record)
{
	struct identity *identity = session->speaks_for;

	if (identity == NULL)
		return false;
	if (identity->rights.all_calls)
		return true;
	if (identity->asked != record || identity->asked_in != pool) {
		identity->allowed = access_may_call(&identity->rights, name_of(pool), record->name);
		identity->asked = record;
		identity->asked_in = pool;
	}
	return identity->allowed;
}

bool rights_may_call_somewhere(const struct session *session, const struct record *record)
{
	const struct supervisor *sup = session->sup;

	for (size_t i = 0; i < sup->pool_count; i++)
		if (!sup->pools[i]->hidden && rights_may_call(session, sup->pools[i], record))
			return true;
	return false;
}

enum access_command rights_may_run(
	const struct session *session, const struct pool *pool, const char *program)
{
	if (session->speaks_for == NULL)
		return ACCESS_COMMAND_NO;
	return access_may_run(&session->speaks_for->rights, name_of(pool), program);
}

bool rights_may_use(const struct session *session, const struct pool *pool)
{
	return session->speaks_for != NULL &&
	       access_may_use(&session->speaks_for->rights, name_of(pool));
}

/* ---- why not ---------------------------------------------------------------------------------------- */

void rights_say_who(const struct session *session, char ret[RIGHTS_WHO_MAX])
{
	const struct identity *identity = session->speaks_for;
	const struct access_policy *policy = &session->sup->config.policy;
	bool is_first = true;

	if (identity == NULL) {
		text_format(ret, RIGHTS_WHO_MAX, "a connection of a task that has ended");
		return;
	}
	text_format(ret, RIGHTS_WHO_MAX, "uid %u", (unsigned int)identity->uid);
	for (size_t i = 0; i < policy->count; i++) {
		if ((identity->rights.rules >> i & 1) == 0)
			continue;
		text_append(ret, RIGHTS_WHO_MAX, is_first ? " ([allow " : "], [allow ");
		text_append(ret, RIGHTS_WHO_MAX, policy->rules[i].name);
		is_first = false;
	}
	text_append(ret, RIGHTS_WHO_MAX,
		policy->count == 0 ? ""
		: is_first         ? " (in no section [allow])"
				   : "])");
}
