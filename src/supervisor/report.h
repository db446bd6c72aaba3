/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_REPORT_H
#define SUPERVISOR_REPORT_H

/*
 * What the daemon says of itself, and to whom: what others have is told to those alone who may see everybody's
 * tasks.
 */

#include <msgpack.h>

struct handle;
struct session;
struct supervisor;

/* Of all pools. */
struct report_totals {
	uint32_t workers, running;
	uint64_t queued; /* what was handed ahead to a busy worker included */
};

struct report_totals report_totals(const struct supervisor *sup);

/* Each of these packs one value: 0, or a negative errno. */

int report_ping(const struct session *session, msgpack_packer *pk);
int report_status(const struct session *session, msgpack_packer *pk);
int report_workers(const struct session *session, msgpack_packer *pk);
int report_functions(const struct session *session, msgpack_packer *pk);
int report_quarantine(const struct session *session, msgpack_packer *pk);

/* One task that has an id; all that may be seen, the newest first. */
int report_task(struct supervisor *sup, const struct handle *handle, msgpack_packer *pk);
int report_tasks(const struct session *session, msgpack_packer *pk);

#endif
