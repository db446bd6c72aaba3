/* SPDX-License-Identifier: MIT */
#include "worker/outbox.h"

#include <errno.h>

#include "base/fd.h"
#include "worker/call.h"

bool outbox_hold(struct outbox *outbox, const void *data, size_t len)
{
	if (!claim_hold(outbox->page, data, len))
		return false;
	outbox->held += len;
	return true;
}

int outbox_flush(struct outbox *outbox)
{
	const struct claim_held *held = claim_held_of(outbox->page);
	int r;

	if (outbox->held == 0 || call_is_copy())
		return 0;
	if ((uint32_t)held->state != outbox->held)
		return -EIO; /* a task has written to the page: nobody knows what */
	r = fd_write_all(outbox->fd, held->bytes, outbox->held);
	if (r < 0)
		return r; /* a task has closed the pipe: they are found where they are */
	claim_held_written(outbox->page);
	outbox->held = 0;
	return 0;
}

int outbox_write(struct outbox *outbox, const void *data, size_t len)
{
	int r = outbox_flush(outbox);

	return r < 0 ? r : fd_write_all(outbox->fd, data, len);
}
