/* SPDX-License-Identifier: MIT */
#include "supervisor/state_fields.h"

#include "core/handle.h"
#include "core/object.h"
#include "core/plan.h"
#include "core/record.h"
#include "core/slot.h"
#include "core/task.h"
#include "supervisor/arena.h"
#include "supervisor/cgroup.h"
#include "supervisor/forkserver.h"
#include "supervisor/pool.h"
#include "supervisor/session.h"
#include "supervisor/supervisor.h"
#include "supervisor/wait.h"
#include "supervisor/worker.h"

#define FIELD(type, member, is_signed)                                                             \
	{                                                                                          \
#member, offsetof(struct type, member), sizeof(((struct type *)0)->member),        \
			is_signed                                                                  \
	}
#define UINT(type, member) FIELD(type, member, false)
#define INT(type, member) FIELD(type, member, true)
#define TABLE(type, list)                                                                          \
	const struct state_fields state_of_##type = {list, sizeof(list) / sizeof((list)[0])}

static const struct state_field supervisor_fields[] = {
	UINT(supervisor, started_at),
	UINT(supervisor, files.rlim_cur),
	UINT(supervisor, files.rlim_max),
	UINT(supervisor, handles.last_id),
	UINT(supervisor, arena_id),
	UINT(supervisor, births),
	UINT(supervisor, counters.accepted),
	UINT(supervisor, counters.done),
	UINT(supervisor, counters.failed),
	UINT(supervisor, counters.crashed),
	UINT(supervisor, counters.cancelled),
	UINT(supervisor, counters.timed_out),
	UINT(supervisor, upgrade.count),
};
TABLE(supervisor, supervisor_fields);

static const struct state_field cgroup_tree_fields[] = {
	UINT(cgroup_tree, controllers),
	UINT(cgroup_tree, enabled),
	UINT(cgroup_tree, v2),
	UINT(cgroup_tree, moved),
	UINT(cgroup_tree, unclean),
};
TABLE(cgroup_tree, cgroup_tree_fields);

static const struct state_field listener_fields[] = {
	UINT(listener, dev),
	UINT(listener, ino),
	UINT(listener, stored),
};
TABLE(listener, listener_fields);

static const struct state_field record_fields[] = {
	UINT(record, crashes),
	UINT(record, quarantined),
	UINT(record, since),
};
TABLE(record, record_fields);

static const struct state_field pool_fields[] = {
	UINT(pool, resized),
	UINT(pool, hidden),
	UINT(pool, paused),
	UINT(pool, drained),
	UINT(pool, told_drained),
	UINT(pool, surplus_since),
};
TABLE(pool, pool_fields);

static const struct state_field forkserver_fields[] = {
	INT(forkserver, pid),
	UINT(forkserver, uid),
	UINT(forkserver, ready),
	UINT(forkserver, started_at),
	UINT(forkserver, request),
	UINT(forkserver, workers),
	UINT(forkserver, restart.stillborn),
	UINT(forkserver, restart.useless),
	UINT(forkserver, given_up),
	UINT(forkserver, restarts),
	UINT(forkserver, knows_standby),
	UINT(forkserver, standby.wanted),
};
TABLE(forkserver, forkserver_fields);

static const struct state_field slot_fields[] = {
	UINT(slot, index),
	UINT(slot, state),
	INT(slot, core),
	UINT(slot, restart.stillborn),
	UINT(slot, restart.useless),
	UINT(slot, idle_since),
	UINT(slot, lowest),
	UINT(slot, clogged),
	UINT(slot, exclusive),
	UINT(slot, lending),
	UINT(slot, leaving),
	UINT(slot, stalled),
	UINT(slot, process),
	UINT(slot, is_replaced),
	UINT(slot, stays),
	UINT(slot, replaces),
	UINT(slot, place),
	UINT(slot, service),
	UINT(slot, measured_at),
	UINT(slot, said_done),
	UINT(slot, said_busy),
	UINT(slot, handed),
	UINT(slot, handed_max),
	UINT(slot, done),
	UINT(slot, crashed),
	UINT(slot, restarts),
};
TABLE(slot, slot_fields);

static const struct state_field worker_fields[] = {
	INT(worker, pid),
	{"birth", offsetof(struct worker, kit.birth), sizeof(uint32_t), false},
	UINT(worker, timer_at),
	UINT(worker, seq),
	UINT(worker, last_answered),
	UINT(worker, last_taken),
	UINT(worker, ready),
	UINT(worker, faulty),
	UINT(worker, useful),
	UINT(worker, worn_out),
	UINT(worker, is_killed),
	UINT(worker, blocked_on.index),
	UINT(worker, blocked_on.generation),
	UINT(worker, forked_at),
	UINT(worker, memory_max),
};
TABLE(worker, worker_fields);

static const struct state_field session_fields[] = {
	UINT(session, ref.index),
	UINT(session, ref.generation),
	UINT(session, state),
	INT(session, pid),
	UINT(session, readable),
	UINT(session, ended),
	UINT(session, full),
	UINT(session, sent),
};
TABLE(session, session_fields);

static const struct state_field arena_fields[] = {
	UINT(session_arena, id),
	UINT(session_arena, size),
	UINT(session_arena, large),
};
const struct state_fields state_of_arena = {
	arena_fields, sizeof(arena_fields) / sizeof(arena_fields[0])};

static const struct state_field task_fields[] = {
	UINT(task, session.index),
	UINT(task, session.generation),
	UINT(task, msgid),
	UINT(task, seq),
	UINT(task, opened_at),
	UINT(task, started_at),
	UINT(task, ran),
	UINT(task, order),
	UINT(task, name_off),
	UINT(task, name_len),
	UINT(task, slot),
	UINT(task, attempts),
	UINT(task, pool),
	INT(task, priority),
	UINT(task, state),
	UINT(task, stop),
	UINT(task, stop_signal),
	UINT(task, answered_to),
	UINT(task, exclusive),
	UINT(task, process),
	UINT(task, counts),
	UINT(task, begun),
};
TABLE(task, task_fields);

static const struct state_field plan_fields[] = {
	UINT(plan, not_before),
	UINT(plan, expires),
	UINT(plan, deadline),
	UINT(plan, timeout),
	UINT(plan, backoff),
	UINT(plan, attempts),
	UINT(plan, retry_on),
};
TABLE(plan, plan_fields);

static const struct state_field handle_fields[] = {
	UINT(handle, submitted),
	UINT(handle, detached),
	UINT(handle, keep),
	UINT(handle, has_progress),
	UINT(handle, submitted_at),
	UINT(handle, ended_at),
	UINT(handle, queued),
	UINT(handle, ran),
	INT(handle, pid),
	UINT(handle, kept_log),
};
TABLE(handle, handle_fields);

static const struct state_field wait_fields[] = {
	UINT(wait, kind),
	UINT(wait, msgid),
	UINT(wait, any),
	UINT(wait, forget),
	UINT(wait, told),
	UINT(wait, cut),
};
TABLE(wait, wait_fields);

static const struct state_field object_fields[] = {
	UINT(object, kind),
	UINT(object, persistent),
	UINT(object, removed),
	UINT(object, set),
	UINT(object, broken),
	UINT(object, duplex),
	UINT(object, type),
	UINT(object, size),
};
TABLE(object, object_fields);

static const struct state_field object_queue_fields[] = {
	UINT(object_queue, unfinished),
	UINT(object_queue, last_token),
	UINT(object_queue, ended),
};
TABLE(object_queue, object_queue_fields);

static const struct state_field use_fields[] = {
	UINT(use, opens),
	UINT(use, held),
	UINT(use, taken),
};
TABLE(use, use_fields);

static const struct state_field want_fields[] = {
	UINT(want, kind),
	UINT(want, msgid),
	UINT(want, wants_answer),
	UINT(want, at_once),
	UINT(want, single),
	UINT(want, ack),
	UINT(want, is_late),
	UINT(want, was_notified),
	UINT(want, depth),
	UINT(want, max),
	UINT(want, max_len),
	UINT(want, done),
	UINT(want, since),
};
TABLE(want, want_fields);
