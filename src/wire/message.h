/* SPDX-License-Identifier: MIT */
#ifndef WIRE_MESSAGE_H
#define WIRE_MESSAGE_H

/*
 * Messages over msgpack-c: what both ends pack and unpack.  PROTOCOL.md is the
 * reference.  Packing functions return 0 or -ENOMEM; unpacking ones 0 or -EPROTO, and the
 * strings they give are borrowed from the unpacked object.
 */

#include <msgpack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ruche/codes.h>

#include "wire/arena.h"

#define MESSAGE_FRAME_MAX ((size_t)64 * 1024 * 1024) /* the default limit of one frame, bytes */

enum {
	MESSAGE_WIDE_TYPE = 1,  /* extension type of an integer that needs more than 64 bits */
	MESSAGE_WIDE_SIZE = 16, /* its body: two's complement, big-endian */
	MESSAGE_INT_MAX = MESSAGE_WIDE_SIZE + 2, /* what an integer takes at the most */
	MESSAGE_HEAD_MAX = 7,
	MESSAGE_PLAIN_MAX = 15, /* elements of a plain array: as many as its first byte can tell */
	MESSAGE_PLAIN_INNER_MAX = 65536, /* ... and of all the arrays inside it */
};

/* ---- names */

const char *message_code_name(enum ruche_code code); /* NULL out of range */
const char *message_executed_name(enum ruche_executed executed);
/* The code that a word on the wire names; RUCHE_FAILED for a word we do not know. */
enum ruche_code message_code_from_name(const char *name, size_t len);

/* ---- frames */

/* How long a request is before its params, and that part of it; the method has 1 to 255 bytes. */
static inline size_t message_request_size(size_t method_len)
{
	return MESSAGE_HEAD_MAX + (method_len < 32 ? 1 : 2) + method_len;
}
size_t message_write_request(uint8_t *out, uint32_t msgid, const char *method, size_t method_len);

/* A msgid where it lies in a frame: the four bytes of a uint 32, after its head. */
static inline void message_write_id(uint8_t *at, uint32_t msgid)
{
	at[0] = (uint8_t)(msgid >> 24);
	at[1] = (uint8_t)(msgid >> 16);
	at[2] = (uint8_t)(msgid >> 8);
	at[3] = (uint8_t)msgid;
}

/*
 * The first bytes of a request (array of 4, type, msgid) or response, written to `out`
 * with the msgid always as uint 32, so that its length is constant and it can be
 * rewritten in place.  Returns MESSAGE_HEAD_MAX, the number written.
 */
static inline size_t message_write_head(uint8_t out[MESSAGE_HEAD_MAX], int type, uint32_t msgid)
{
	out[0] = 0x94;
	out[1] = (uint8_t)type;
	out[2] = 0xce;
	message_write_id(out + 3, msgid);
	return MESSAGE_HEAD_MAX;
}

static inline uint32_t message_read_id(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* The heads of frames; the caller packs what follows: params, or error and result. */
int message_pack_request(msgpack_packer *pk, uint32_t msgid, const char *method, size_t method_len);
int message_pack_response(msgpack_packer *pk, uint32_t msgid);
int message_pack_notification(msgpack_packer *pk, const char *method);
/* A msgid among a notification's params: always as uint 32, so that it can be rewritten in place. */
int message_pack_id(msgpack_packer *pk, uint32_t msgid);

/* ---- values */

int message_pack_str(msgpack_packer *pk, const char *text); /* NULL packs nil */
int message_pack_bin(msgpack_packer *pk, const void *data, size_t len);
int message_pack_ref(msgpack_packer *pk, const struct arena_ref *ref);
int message_pack_double(msgpack_packer *pk, double value); /* as float 64 */
/* As a 64-bit integer if it fits, else wide. */
int message_pack_int128(msgpack_packer *pk, __int128 value);
size_t message_write_int128(uint8_t out[MESSAGE_INT_MAX], __int128 value); /* its length */
/* From any integer, wide or not; a wide one that would have fitted in 64 bits is accepted. */
int message_get_int128(const msgpack_object *object, __int128 *ret);

/*
 * Most calls have few arguments, and what is nested in them are arrays alone, as in a chunk.  Such a scanned array is decoded here,
 * as msgpack-c would, in a third of the time: its elements go to `room`, those of arrays inside it to the zone (NULL: there must be none),
 * and *ret points there and into the bytes.  0, or -EPROTO: it is another value, or there was no memory.
 */
int message_get_plain_array(const void *data, size_t len, msgpack_object room[MESSAGE_PLAIN_MAX],
	msgpack_zone *zone, msgpack_object *ret);

/* The value of a string key in a map; NULL if there is none or `map` is no map. */
const msgpack_object *message_map_get(const msgpack_object *map, const char *key);

/* ---- errors */

/* Causes of a worker's death that are known. */
#define MESSAGE_OUT_OF_MEMORY "out_of_memory" /* in its control group */

struct message_error {
	enum ruche_code code;
	enum ruche_executed executed;
	int signal;           /* 0: none */
	int exit_status;      /* -1: none */
	uint64_t peak_memory; /* bytes; 0: not known */
	const char *cause;    /* one of MESSAGE_..., or another word; NULL: not known */
	size_t cause_len;     /* of one that was read; 0: it is a string */
	const char *message;  /* may be NULL, as may `output` */
	size_t message_len;
	const char *output;
	size_t output_len;
	unsigned int attempts; /* runs so far; 0: none, or not known unless has_times */
	bool has_times;        /* `queued` and `ran` are known: it is about a task */
	double queued, ran;    /* seconds: waiting, pauses between runs included; running */
	const void *
		partial; /* packed pairs [error, result] of a chunk's items that had ended; or NULL */
	size_t partial_len;
	uint32_t partial_count;
};

/*
 * A map; fields that are not known are left out.  `code` must not be RUCHE_OK.  Bytes of the
 * message and output that are not UTF-8 become "?".
 */
int message_pack_error(msgpack_packer *pk, const struct message_error *error);
/*
 * From whatever a peer sent as its error: a map of ours; or a foreign value, which becomes
 * RUCHE_FAILED (a string as its message, any other type with a message that says so).
 */
void message_get_error(const msgpack_object *object, struct message_error *ret);

#endif
