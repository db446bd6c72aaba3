/* SPDX-License-Identifier: MIT */
#ifndef WORKER_ORDER_H
#define WORKER_ORDER_H

/* What the supervisor asks for: PROTOCOL.md, "The fork server". */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "worker/worker.h"

struct order {
	uint32_t id;
	bool stands_by; /* a worker that waits for the other order, of which nothing else is known yet */
	struct worker_birth birth; /* slot, core, frame_max, token and groups, and nothing else */
};

/* One packet.  0, or -EPROTO for what is no order.  Of its descriptors `nfds` came. */
int order_read(const char *packet, size_t len, size_t nfds, struct order *ret);

/*
 * In a worker: waits for its order on birth->go, and puts all that it says into *birth, descriptors too, behind those
 * that are there.  Or a negative errno: there will be none.
 */
int order_await(struct worker_birth *birth);

#endif
