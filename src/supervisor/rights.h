/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_RIGHTS_H
#define SUPERVISOR_RIGHTS_H

/*
 * Who a session is, for whom it speaks, and what it may do therefore; core/access.h is the policy.
 *
 * Who it is the kernel tells, once, when it connects.  It speaks for itself, unless it is a task's own: then for
 * whoever asked for the task that its worker is at, so that nobody gets more by calling what calls something
 * else.  While there is no such task it speaks for nobody, and may do nothing.
 */

#include <stdbool.h>
#include <stdint.h>

#include "core/identity.h"
#include "supervisor/session.h"
#include "supervisor/supervisor.h"

struct pool;
struct record;
struct user;
struct worker;

/* Sets who a new session is.  0 or -ENOMEM. */
int rights_learn(struct session *session);
void rights_forget(struct session *session);

/* Before requests of a session are looked at that belongs to a worker: whose task is that at now? */
void rights_follow(struct session *session);
/* It is of a task that nobody knows. */
void rights_drop(struct session *session);

/* May it say that it belongs to this worker?  Masters, and those that its tasks run as. */
bool rights_allow_join(const struct session *session, const struct worker *worker);

/* A config is in force that was not before, after one with rules or without. */
void rights_apply(struct supervisor *sup, bool had_rules);

/* ---- may it … ------------------------------------------------------------------------- */

/* … use the daemon at all. */
static inline bool rights_has_any(const struct session *session)
{
	return session->speaks_for != NULL && session->speaks_for->rights.any;
}

/* … do this, with this pool; NULL: with all of them, or the method is about none. */
bool rights_may(const struct session *session, enum access_method method, const struct pool *pool);

/* … see what is this user's, or everybody's. */
bool rights_may_see(const struct session *session, const struct user *user);
bool rights_sees_all(const struct session *session);

/* … call this function, in this pool or in any. */
bool rights_may_call(
	const struct session *session, const struct pool *pool, const struct record *record);
bool rights_may_call_somewhere(const struct session *session, const struct record *record);

/* … run this program. */
enum access_command rights_may_run(
	const struct session *session, const struct pool *pool, const char *program);

/* … use this pool for anything. */
bool rights_may_use(const struct session *session, const struct pool *pool);

/* ---- numbers of [limits], or what is given instead ------------------------------------------ */

static inline uint64_t rights_choose(uint64_t given, uint64_t otherwise)
{
	return given != ACCESS_NOT_SAID ? given : otherwise;
}

static inline uint64_t rights_user_tasks(const struct session *session)
{
	return rights_choose(
		session->speaks_for->rights.user_tasks, session->sup->config.limits.user_tasks);
}

static inline uint64_t rights_user_bytes(const struct session *session)
{
	return rights_choose(
		session->speaks_for->rights.user_bytes, session->sup->config.limits.user_bytes);
}

/* Of who asked for a task. */
static inline uint64_t rights_user_running(
	const struct supervisor *sup, const struct identity *identity)
{
	return rights_choose(identity->rights.user_running, sup->config.limits.user_running);
}

/* ---- why not ----------------------------------------------------------------------------------- */

enum { RIGHTS_WHO_MAX = 256 };

/* Who it is and in which sections, as the subject of a sentence. */
void rights_say_who(const struct session *session, char ret[RIGHTS_WHO_MAX]);

#endif
