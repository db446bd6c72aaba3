/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_NOTICE_H
#define SUPERVISOR_NOTICE_H

/*
 * What an operator may want to find again: each kind of notice has a name, an id (the journal's MESSAGE_ID) and
 * fields, and an entry in systemd/ruche.catalog and in ruched(8) that says what to do about it.  Where stderr is the
 * journal's a notice goes there with its fields; if that is not to be had at once, and everywhere else, it is a line of base/log.h.
 * No kind is written more often than core/throttle.h lets it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/log.h"
#include "core/alarm.h"
#include "core/throttle.h"
#include "supervisor/journal.h"

struct pool;
struct record;
struct session;
struct supervisor;
struct tail;
struct task;
struct worker;

enum notice_kind {
	NOTICE_DAEMON_STARTED,
	NOTICE_DAEMON_NOT_STARTED,
	NOTICE_DAEMON_ENDING,
	NOTICE_DAEMON_ENDED,
	NOTICE_WORKER_CRASHED, /* with a task */
	NOTICE_WORKER_DIED,    /* with none */
	NOTICE_WORKER_NOT_READY,
	NOTICE_WORKER_NOT_STARTED,
	NOTICE_WORKER_GIVEN_UP,
	NOTICE_WORKER_KILLED,
	NOTICE_WORKER_ANSWERED_TWICE,
	NOTICE_WORKER_GREW,
	NOTICE_TASK_KILLED, /* it did not stop when it should have */
	NOTICE_FUNCTION_QUARANTINED,
	NOTICE_FUNCTION_RELEASED,
	NOTICE_FORK_SERVER_FAILED,
	NOTICE_FORK_SERVER_DIED,
	NOTICE_FORK_SERVER_KILLED,
	NOTICE_FORK_SERVER_GIVEN_UP,
	NOTICE_RELOAD_BEGUN,
	NOTICE_RELOAD_DONE,
	NOTICE_RELOAD_FAILED,
	NOTICE_UPGRADE_BEGUN,
	NOTICE_UPGRADE_DONE,
	NOTICE_UPGRADE_FAILED,
	NOTICE_POOL_PAUSED,
	NOTICE_POOL_RESUMED,
	NOTICE_POOL_RESIZED,
	NOTICE_POOL_DRAINING,
	NOTICE_POOL_DRAINED,
	NOTICE_CLIENT_CUT_OFF,
	NOTICE_CLIENTS_TURNED_AWAY,
	NOTICE_WATCHDOG_NOT_FED,
	NOTICE_LEFTOVERS_KILLED,
	NOTICE_LEFT_OUT,
	NOTICE_KINDS
};

struct notice_kind_info {
	const char *name; /* RUCHE_EVENT */
	const char *id;   /* MESSAGE_ID: 32 hexadecimal digits */
	enum log_level level;
};

extern const struct notice_kind_info notice_kinds[NOTICE_KINDS];

/* What is not set is left out.  All is borrowed. */
struct notice_fields {
	const struct pool *pool;
	const struct worker *worker; /* RUCHE_WORKER, RUCHE_PID, and its pool */
	const struct task *
		task; /* RUCHE_TASK, RUCHE_FUNCTION, RUCHE_ATTEMPT, RUCHE_TAG, whose it is, its pool */
	const struct session *session; /* RUCHE_UID, RUCHE_CLIENT_PID, unless the task has them */
	const struct record *record;   /* RUCHE_FUNCTION */
	const char *cause;             /* one word */
	pid_t pid;                     /* of what is no worker */
	int signal;
	bool exited; /* with exit_status */
	int exit_status;
	uint64_t peak_memory;
	const struct tail *tail; /* of the worker: what it last wrote */
	uint64_t count;          /* how many this is about */
	const char *left_out;    /* the name of another kind */
};

/* How often each kind was written, and where entries go. */
struct notices {
	struct journal journal;
	struct notice_state {
		struct throttle throttle;
		struct alarm alarm; /* for the account of what was left out */
	} states[NOTICE_KINDS];
};

void notices_init(struct supervisor *sup);
/* Also accounts for what was left out, as does this, for another program that takes over. */
void notices_account(struct supervisor *sup);
void notices_fini(struct supervisor *sup);

void notice_send(struct supervisor *sup, enum notice_kind kind, const struct notice_fields *fields,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/* A kind's alarm has come. */
void notice_on_time(struct supervisor *sup, const struct alarm *alarm);

/* ---- for tests */

/* The entry that a notice becomes. */
void notice_pack(struct supervisor *sup, enum notice_kind kind, const struct notice_fields *fields,
	const char *text, struct journal_entry *ret);

#endif
