/* SPDX-License-Identifier: MIT */
#ifndef CLI_JSON_H
#define CLI_JSON_H

/*
 * JSON to MessagePack and back.  What JSON has no word for:
 *
 *	an integer of more than 64 bits	its digits, all of them
 *	a string or binary in UTF-8	a string
 *	any other string or binary	{"base64": "…"}
 *	another extension type		{"ext": N, "base64": "…"}
 *	NaN and the infinities		null
 *	a map's key of another type	a string of what it would be as a value
 *
 * The functions that append to a buffer return 0 or -ENOMEM, and then may have appended a part.
 */

#include <msgpack.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/*
 * Arrays and objects inside each other in an argument; the frame that carries it adds
 * two.  In a result, msgpack-c's own limit holds.
 */
enum { JSON_DEPTH_MAX = 30 };

/*
 * Packs an argument as it was typed: a JSON value, or what is not JSON as a string (as
 * binary if it is no UTF-8).  An integer that is the whole argument may have up to 128 bits,
 * inside an array or object it must fit in an int64_t.
 * 0; -ENOMEM; or -EINVAL, *ret_why is then a constant sentence and nothing was packed.
 */
int json_arg_pack(msgpack_packer *pk, const char *text, size_t len, const char **ret_why);

/* A value as one line of JSON, without the newline. */
int json_append(struct buf *out, const msgpack_object *value);

/* The same for one packed value.  -EPROTO: it is none. */
int json_append_packed(struct buf *out, const void *data, size_t len);

/* The same, but a string as the text that it is. */
int json_append_plain(struct buf *out, const void *data, size_t len);

/* Bytes as a JSON string, or as {"base64": "…"}. */
int json_append_bytes(struct buf *out, const char *data, size_t len);

bool json_is_text(const char *data, size_t len); /* whether it is UTF-8 */

#endif
