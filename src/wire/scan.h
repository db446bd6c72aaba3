/* SPDX-License-Identifier: MIT */
#ifndef WIRE_SCAN_H
#define WIRE_SCAN_H

/*
 * The envelope scanner: finds where a MessagePack-RPC frame ends and where its parts
 * are, without decoding or allocating anything.  It is strict: what it passes is one
 * well-formed request, response or notification, no longer than the limit and nested no
 * deeper than SCAN_DEPTH_MAX, whose declared lengths all lie inside the frame; so it is
 * safe to give to msgpack-c's unpacker, which has no limits of its own.
 *
 * It is incremental: each byte is looked at once, however many reads bring the frame.
 * The frame so far must lie in one piece, which may move between two calls.
 */

#include <stddef.h>
#include <stdint.h>

enum {
	SCAN_DEPTH_MAX = 32, /* containers inside each other, the envelope's array included */
	SCAN_METHOD_MAX = 255,
};

enum scan_type { SCAN_REQUEST = 0, SCAN_RESPONSE = 1, SCAN_NOTIFICATION = 2 };

enum scan_status { SCAN_MORE = 0, SCAN_DONE = 1 };

/* A part of a frame: from its first byte, header included. */
struct span {
	size_t off, len;
};

struct scan {
	/* Valid after SCAN_DONE; type and msgid also after an error, if has_msgid says so. */
	enum scan_type type;
	uint32_t msgid;     /* of a request or response */
	struct span method; /* of a request or notification: the name's bytes, without header */
	struct span params; /* of a request or notification: an array */
	struct span method_and_params; /* both as they lie in the frame, headers included */
	struct span error, result;     /* of a response */
	size_t len;                    /* of the whole frame */
	/* After a negative status: what is wrong, a constant sentence. */
	const char *why;
	int has_msgid;

	/* private */
	size_t limit, pos;
	uint64_t owed; /* values declared and not yet seen, which take a byte each at the least */
	unsigned int depth, part, parts;
	size_t start[4]; /* of the parts */
	uint64_t left[SCAN_DEPTH_MAX];
};

/* Ready for a new frame of at most `limit` bytes. */
void scan_init(struct scan *scan, size_t limit);

/*
 * Looks at a frame of which the first `len` bytes are at `frame`: all that was there at the
 * last call, and perhaps more.  SCAN_MORE; SCAN_DONE, with scan->len <= len; or -EPROTO
 * (not a frame) or -EMSGSIZE (over the limit), after which the stream is lost.
 */
int scan_feed(struct scan *scan, const void *frame, size_t len);

/* After SCAN_MORE, of `len` bytes: how many more there must be at the least. */
static inline size_t scan_missing(const struct scan *scan, size_t len)
{
	return scan->pos > len ? scan->pos - len : 0;
}

/*
 * One value, of any type, at `data`: 0 and its length, or -EPROTO if the `len` bytes do not
 * begin with a whole well-formed value nested no deeper than SCAN_DEPTH_MAX.
 */
int scan_value(const void *data, size_t len, size_t *ret_len);
/* The same of one that is to lie inside so many arrays and maps. */
int scan_value_inside(const void *data, size_t len, unsigned int depth, size_t *ret_len);

/* The head of an array, map (pairs), str or bin: -EPROTO if it is something else. */
int scan_array(const void *data, size_t len, uint32_t *ret_count, size_t *ret_head);
int scan_map(const void *data, size_t len, uint32_t *ret_count, size_t *ret_head);
int scan_str(const void *data, size_t len, uint32_t *ret_len, size_t *ret_head);
int scan_bin(const void *data, size_t len, uint32_t *ret_len, size_t *ret_head);

/* A non-negative integer below 2^64, in any encoding: 0 and its value and length, or -EPROTO. */
int scan_uint(const void *data, size_t len, uint64_t *ret, size_t *ret_len);

/* A non-negative integer or a float as a double: 0, or -EPROTO. */
int scan_number(const void *data, size_t len, double *ret);

#endif
