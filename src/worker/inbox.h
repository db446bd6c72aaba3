/* SPDX-License-Identifier: MIT */
#ifndef WORKER_INBOX_H
#define WORKER_INBOX_H

/*
 * The reading end of a worker's task pipe: bytes in, whole frames out.  A frame stays
 * where it was read until inbox_drop(), and so does all that points into it.
 */

#include "base/buf.h"
#include "base/patience.h"
#include "wire/scan.h"

struct inbox {
	int fd;               /* borrowed */
	struct scan scan;     /* of the first frame in `buf` */
	unsigned int dropped; /* frames so far, to tell whether the first one is still the same */

	/* private */
	struct buf buf;
	size_t limit;
	int status; /* of the first frame: scan_feed()'s last answer */
	struct patience patience;
	unsigned int waited_at; /* `dropped` when it last waited */
};

/* `limit`: the longest frame, bytes. */
void inbox_init(struct inbox *inbox, int fd, size_t limit);
void inbox_fini(struct inbox *inbox);

/* One read(2), which blocks as the descriptor does.  The number of bytes; 0: EOF; or a negative errno. */
ssize_t inbox_read(struct inbox *inbox);

/*
 * 1: the first frame is whole, `inbox->scan` tells its parts and *ret where it is, valid
 * until the next inbox_read() or inbox_drop().  0: more has to be read.  Or the negative
 * errno of scan_feed().
 */
int inbox_frame(struct inbox *inbox, const uint8_t **ret);

/* Blocks for the first frame.  As inbox_frame(), but 0 is the end of the pipe. */
int inbox_wait(struct inbox *inbox, const uint8_t **ret);

/* Drops the first frame if it is whole; else does nothing. */
void inbox_drop(struct inbox *inbox);

#endif
