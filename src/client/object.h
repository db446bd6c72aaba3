/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_OBJECT_H
#define CLIENT_OBJECT_H

/*
 * A question about an object, as method [name, what it is about..., options], which is asked and waited for.  Other calls of the handle
 * go on meanwhile; their replies stay to be fetched.
 */

#include <ruche/objects.h>

#include "client/request.h"
#include "client/use.h"
#include "client/value.h"

struct ruche_object {
	struct use use;
	enum ruche_kind kind;
};

/* One that may be said in the map of options. */
struct object_option {
	const char *name;
	bool is_set;
	int (*pack)(msgpack_packer *pk, const struct object_option *option);
	union {
		bool flag;
		uint64_t number;
		double seconds;
		const char *text;
		struct piece bytes;
	};
};

int object_pack_flag(msgpack_packer *pk, const struct object_option *option);
int object_pack_number(msgpack_packer *pk, const struct object_option *option);
int object_pack_seconds(msgpack_packer *pk, const struct object_option *option);
int object_pack_text(msgpack_packer *pk, const struct object_option *option);
int object_pack_bytes(msgpack_packer *pk, const struct object_option *option);

/* < 0: for ever, and nothing is said. */
struct object_option object_timeout(int timeout_ms);

struct object_question {
	const char *method;
	const char *name; /* NULL: none */
	uint32_t count;   /* of the params that `pack` packs, behind the name */
	int (*pack)(struct request *request, const void *data); /* 0 or a negative errno */
	const void *data;
	const struct object_option *options;
	size_t option_count;
	bool brings_fd; /* the answer may have a descriptor beside it */
};

/*
 * Blocks until it is answered.  0, and *ret, which may be NULL, is a result for the caller to free; or a negative errno, as in
 * objects.h.
 */
int object_ask(
	struct ruche *ruche, const struct object_question *question, struct ruche_reply **ret);

/* The same of an object that is open, of one of these kinds, a bit for each. */
int object_ask_of(struct ruche_object *object, unsigned int kinds,
	const struct object_question *question, struct ruche_reply **ret);

/* And a question that has a name alone, and a time limit, which is < 0 where there is none. */
int object_ask_plain(struct ruche_object *object, unsigned int kinds, const char *method,
	int timeout_ms, struct ruche_reply **ret);

/* -EPROTO: the result is no such number.  Frees the reply. */
int object_take_number(struct ruche_reply *reply, uint64_t *ret);
/* 0 or 1: the result is the first or the second of these words; -EPROTO: neither.  Frees the reply. */
int object_take_word(struct ruche_reply *reply, const char *first, const char *second);

/* Of the map that a result is: borrowed, or -EPROTO. */
int object_get(const struct ruche_reply *reply, const char *key, struct piece *ret);
int object_get_number(const struct ruche_reply *reply, const char *key, uint64_t *ret);
int object_get_flag(const struct ruche_reply *reply, const char *key, bool *ret);

/* What ruche.open is asked for. */
struct object_opening {
	enum ruche_kind kind;
	const char *name;
	const struct ruche_object_options *options; /* NULL: defaults */
	/* Those of the kind alone.  If it has any the answer may have a descriptor. */
	const struct object_option *more;
	size_t more_count;
};

/*
 * 0: it is open, and *ret, which is a map of this kind, tells of it; who has no use for it after all closes it with use_end().  Or a negative
 * errno, and there is nothing to close.
 */
int object_open(struct ruche *ruche, struct use *use, const struct object_opening *opening,
	struct ruche_reply **ret);

#endif
