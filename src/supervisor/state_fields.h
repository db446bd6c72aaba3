/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_STATE_FIELDS_H
#define SUPERVISOR_STATE_FIELDS_H

/*
 * The numbers that a saved state has of each thing; what they mean stands where the struct is.  Renaming or dropping one
 * here, or giving it another meaning, is another STATE_FORMAT.
 */

#include "supervisor/state.h"

extern const struct state_fields state_of_supervisor, state_of_listener, state_of_record,
	state_of_pool, state_of_forkserver, state_of_slot, state_of_worker, state_of_session,
	state_of_arena, state_of_task, state_of_plan, state_of_handle, state_of_wait,
	state_of_cgroup_tree, state_of_object, state_of_object_queue, state_of_use, state_of_want;

#endif
