/* SPDX-License-Identifier: MIT */

/*
 * A connection with a protocol of lines, some of which are followed by a payload: beanstalkd's
 * and NATS's.  What is put is sent when there is nothing more to read, or by lines_flush(): so
 * the answers to all that came in one read go out in one write.
 */

#pragma once

#include "peer.h"

#include <stddef.h>

/* Room that is only addresses until it is used, so it need not grow: nothing moves meanwhile. */
#define LINES_ROOM ((size_t)1 << 28)

/* Some payloads of this size fit. */
#define LINES_PAYLOAD_MAX (128L << 20)

struct lines {
	int fd;
	char *in;          /* LINES_ROOM bytes, of which only those that are used exist */
	size_t begin, end; /* what was received and not taken yet */
	char *out;         /* likewise */
	size_t out_size;
};

/* Takes the descriptor. */
void lines_init(struct lines *lines, int fd);
void lines_fini(struct lines *lines);

/* Copies it; formatted text must be shorter than 512 bytes. */
void lines_put(struct lines *lines, const void *data, size_t size);
void lines_print(struct lines *lines, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Like lines_put(), but large data is sent from where it is, after all that was put before. */
void lines_put_large(struct lines *lines, struct bytes bytes);

void lines_flush(struct lines *lines);

/*
 * The next line, without its end and with a NUL instead.  Flushes and blocks if there is none
 * yet.  Valid until the next call of lines_read() or lines_poll().
 */
char *lines_read(struct lines *lines);

/* The same, but returns NULL rather than to block, and does not flush. */
char *lines_poll(struct lines *lines);

/* The payload that follows a line, with an end of line after it; else as lines_read(). */
struct bytes lines_read_payload(struct lines *lines, size_t size);
