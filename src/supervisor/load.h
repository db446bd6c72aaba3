/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_LOAD_H
#define SUPERVISOR_LOAD_H

/* Among the load*.c: how a state becomes what the daemon knows, record by record. */

#include "supervisor/config.h"
#include "supervisor/state.h"

struct identity;
struct object;
struct pool;
struct session;
struct slot;
struct supervisor;
struct task;
struct use;
struct wait;
struct want;

enum { NUMBER_MAX = 1 << 28 };

/* Things by the numbers that the state gives them. */
struct numbered {
	void **all;
	size_t cap;
};

struct loading {
	struct supervisor *sup;
	struct state_reader r;
	struct config read; /* its texts alone: of the config that comes next */
	size_t configs;
	struct numbered clients, identities, tasks;
	bool has_ended;
	char *error;
	size_t error_size;

	/* What the present record is a part of. */
	struct pool *pool;
	struct session *session;
	struct task *task;
	struct slot *slot;
	struct object *object;
	struct use *use;
	struct want *want;
	struct wait *wait;
	size_t links; /* that are still to come */
};

/* -EPROTO, for this reason. */
int load_fail(struct loading *l, const char *why);

/* 0 or a negative errno. */
int load_number(struct numbered *list, uint64_t at, void *thing);
void *load_numbered(const struct numbered *list, uint64_t at);            /* NULL: there is none */
struct session *load_session_at(const struct loading *l, uint64_t index); /* likewise */

/* A reference to the identity of this number; NULL: nobody. */
struct identity *load_identity(struct loading *l, const char *name);

/* ---- one record each: 0 or a negative errno */

int load_session(struct loading *l);
int load_passing(struct loading *l);
int load_arena(struct loading *l);
int load_task(struct loading *l);
int load_plan(struct loading *l);
int load_handle(struct loading *l);
int load_slot(struct loading *l);
int load_entry(struct loading *l);
int load_worker(struct loading *l);
int load_nested(struct loading *l);
int load_wait(struct loading *l);
int load_link(struct loading *l);
int load_object(struct loading *l);
int load_item(struct loading *l);
int load_use(struct loading *l);
int load_unacked(struct loading *l);
int load_want(struct loading *l);
int load_unput(struct loading *l);
int load_asker(struct loading *l);

#endif
