/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_SUPERVISOR_H
#define SUPERVISOR_SUPERVISOR_H

/*
 * The daemon: one thread, one event loop.  A turn of the loop reads what came, hands
 * tasks to workers, and writes once to each descriptor that has something to be written:
 *
 *	events → timers_run → sessions_pump → workers_flush → dispatch_run → workers_flush →
 *	sessions_flush
 *
 * Where much has come, some of it is written in the middle of a turn, so that workers and clients work on meanwhile.
 *
 * Everything is owned by struct supervisor.  Callbacks of the loop never free a session
 * or a worker under another callback's feet: sessions are freed at the end of a turn, workers
 * live as long as the pool.
 */

#include <event2/event.h>
#include <event2/event_struct.h>
#include <msgpack.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

#include "base/patience.h"
#include "core/alarm.h"
#include "core/handle.h"
#include "core/identity.h"
#include "core/index.h"
#include "core/object.h"
#include "core/record.h"
#include "core/user.h"
#include "supervisor/cgroup.h"
#include "supervisor/config.h"
#include "supervisor/kit.h"
#include "supervisor/listener.h"
#include "supervisor/manager.h"
#include "supervisor/notice.h"
#include "supervisor/options.h"
#include "supervisor/pool.h"
#include "supervisor/reload.h"
#include "supervisor/session.h"
#include "supervisor/upgrade.h"

enum supervisor_state {
	SUPERVISOR_STARTING, /* the fork server has not loaded everything yet */
	SUPERVISOR_RUNNING,
	SUPERVISOR_STOPPING, /* answers what runs, takes nothing new */
	SUPERVISOR_ENDING,   /* everything is answered: children are leaving */
};

struct counters {
	uint64_t accepted, done, failed, crashed, cancelled, timed_out;
};

struct supervisor {
	struct options options;
	struct config config;
	struct event_base *base;
	enum supervisor_state state;
	uint64_t now; /* ns, as supervisor_look_at_clock() saw it last */
	int exit_status;
	bool given_up; /* on children and clients that keep the end waiting */
	uint64_t started_at;
	struct rlimit files; /* descriptors that tasks may open */
	uint32_t clients_max;

	struct pool **pools; /* the first is the default one; they never go, only hide */
	size_t pool_count;

	struct task_table tasks;
	struct task_index open;        /* tasks that sessions wait for, of those that are indexed */
	size_t open_tasks, task_bytes; /* of all tasks that have not ended */
	size_t open_processes;         /* of them, that have workers of their own */
	struct identities identities;
	struct users users;
	struct records records;
	struct handles handles;
	struct task_list kept; /* ended tasks whose answer is kept, oldest first */
	size_t kept_bytes;
	struct alarms alarms;
	struct objects objects;

	struct reload reload;
	struct upgrade upgrade;
	struct asker *drainers; /* who waits for all pools to be empty */

	struct sessions sessions;
	uint32_t arena_id;    /* of the last that was made */
	uint64_t arena_bytes; /* of those that sessions have, whether they are used or not */
	uint32_t births;      /* of workers */
	struct listener listener;
	struct manager manager;
	struct cgroups cgroups; /* of workers */
	struct kits old_kits;   /* until the next sweep */
	struct counters counters;
	struct notices notices;

	msgpack_sbuffer scratch; /* for one message at a time */
	msgpack_sbuffer body;    /* for one error at a time, see errors.h */
	struct event on_child, on_term, on_int, on_hup, on_usr2, stop_timer, orphan_timer,
		group_timer, alarm_timer;
	struct patience patience;
	uint64_t group_pause; /* ns, until control groups are looked at again */
	struct event trim_timer;
	bool trims;        /* that is set */
	uint64_t alarm_at; /* what alarm_timer is set to; 0: not set */
};

/* Sets all up from the options, which are taken.  0, or a negative errno after saying why. */
int supervisor_init(struct supervisor *sup, struct options *options);
/* Could it go on with the state that the options name?  Says so on stdout, and is good for nothing afterwards.  The exit status. */
int supervisor_try(struct supervisor *sup, struct options *options);
/* Runs until the daemon ends.  The exit status. */
int supervisor_run(struct supervisor *sup);
void supervisor_fini(struct supervisor *sup);

/* A pool's fork server has loaded everything for the first time. */
void supervisor_on_loaded(struct supervisor *sup);
/*
 * It died before it had, for the reason in its `problem`: the daemon ends with status 1.  A
 * private one first tells its client, as the answer to whatever that calls.
 */
void supervisor_on_load_failed(struct supervisor *sup, struct pool *pool);

/*
 * Takes nothing new, answers what is queued, and ends when what runs has ended, or after
 * `grace` ns.  Called again, the shorter grace counts.
 */
void supervisor_stop(struct supervisor *sup, int exit_status, uint64_t grace);

/* What can be handed to workers is, and written: at the end of a turn, and in the middle of one in which much has come. */
void supervisor_hand_out(struct supervisor *sup);

/* An empty buffer and a packer on it for one message; valid until the next call. */
msgpack_packer supervisor_packer(struct supervisor *sup);

/*
 * Looking at the clock for each task would take a tenth of the time, so it is done for each batch of them: what has
 * come in one read, what is handed out in one turn.
 */
void supervisor_look_at_clock(struct supervisor *sup);

/* A message of so many bytes has come: the memory that it took is given back some time after. */
void supervisor_note_size(struct supervisor *sup, size_t len);

/* Sets a one-shot timer; libevent's own call wants a timeval. */
void supervisor_set_timer(struct event *timer, uint64_t ns);

/* The whole of the program: main() is only this. */
int ruched_main(int argc, char **argv);

#endif
