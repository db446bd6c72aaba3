/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_STATE_H
#define SUPERVISOR_STATE_H

/*
 * All that a daemon knows, as bytes in sealed memory, for the one that takes its place: one record behind the other, each a packed
 * [kind, {name: value}].  Whole numbers that are zero, and bytes of which there are none, are left out, and what a reader does not find is zero.
 * So a version may add names; what changes the meaning of one, or must not be passed over, takes another STATE_FORMAT.
 * save.c, load.c and load_tasks.c say which records there are, state_fields.c what is in them.
 */

#include <msgpack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { STATE_FORMAT = 1, STATE_NAME_MAX = 32 };

/* A number in a struct, by name. */
struct state_field {
	const char *name;
	uint16_t offset;
	uint8_t size;
	bool is_signed;
};

struct state_fields {
	const struct state_field *all;
	size_t count;
};

/* ---- writing */

struct state_writer {
	int fd;
	struct buf out;         /* not yet in the memory */
	msgpack_sbuffer record; /* that is being made: its pairs */
	msgpack_packer pk;
	char kind[STATE_NAME_MAX];
	uint32_t pairs;
	int *fds; /* descriptors that the record of somebody names */
	size_t fd_count;
	int error; /* the first that happened; nothing more is done then */
};

/* 0 or a negative errno; in both cases to be ended with state_writer_fini(), which closes the memory. */
int state_writer_init(struct state_writer *w);
void state_writer_fini(struct state_writer *w);

void state_begin(struct state_writer *w, const char *kind);
void state_put_uint(struct state_writer *w, const char *name, uint64_t value);
void state_put_int(struct state_writer *w, const char *name, int64_t value);
void state_put_double(struct state_writer *w, const char *name, double value);
void state_put_bytes(struct state_writer *w, const char *name, const void *data, size_t len);
void state_put_text(struct state_writer *w, const char *name, const char *text); /* NULL: none */
void state_put_fields(
	struct state_writer *w, const struct state_fields *fields, const void *object);
/* A descriptor that is to be there afterwards under the same number; negative: there is none. */
void state_put_fd(struct state_writer *w, const char *name, int fd);
void state_end(struct state_writer *w);

/* All is written and can be read, and never changed.  0, or the negative errno of whatever failed. */
int state_finish(struct state_writer *w);

/* The descriptors outlive an exec of this process, or do not any more.  0 or a negative errno. */
int state_pass_fds(const struct state_writer *w, bool pass);

/* ---- reading */

struct state_reader {
	const uint8_t *data;
	size_t len, at;
	msgpack_unpacked record;
	struct {
		const msgpack_object *ptr;
		uint32_t size;
	} kind;
	const msgpack_object_map *pairs; /* of the present record */
	uint32_t found;                  /* where the last one was: the next is likely behind it */
	int *fds;                        /* that were named */
	size_t fd_count;
	bool on_trial; /* there are none: others stand for them */
	int stand_in[2], stand_in_memory;
	int error; /* of state_get_fd() or -ENOMEM; the first that happened */
};

/* Maps what `fd` has; on trial for a program that does not have what it tells of.  0 or a negative errno; in both cases to be ended with state_reader_fini(). */
int state_reader_init(struct state_reader *r, int fd, bool on_trial);
void state_reader_fini(struct state_reader *r);

/* The next record: 1; 0 at the end; or -EPROTO: this is no state. */
int state_next(struct state_reader *r);
bool state_is(const struct state_reader *r, const char *kind);

uint64_t state_get_uint(struct state_reader *r, const char *name);
int64_t state_get_int(struct state_reader *r, const char *name);
double state_get_double(struct state_reader *r, const char *name);
/* NULL and 0: there are none.  Valid until the next record. */
const void *state_get_bytes(struct state_reader *r, const char *name, size_t *ret_len);
/* A copy for the caller to free; NULL: there is none, or no memory, which is noted. */
char *state_get_text(struct state_reader *r, const char *name);
/* Into an array of `size`, cut to fit. */
void state_copy_text(struct state_reader *r, const char *name, char *ret, size_t size);
void state_get_fields(struct state_reader *r, const struct state_fields *fields, void *object);
/* -1: there is none, or it is not open, which is noted.  They still outlive an exec. */
int state_get_fd(struct state_reader *r, const char *name);
/* The same of one that can be mapped. */
int state_get_memory(struct state_reader *r, const char *name);
/* All that were named are close-on-exec again.  0 or a negative errno. */
int state_keep_fds(const struct state_reader *r);
/* Behind what the buffer has. */
void state_get_buf(struct state_reader *r, const char *name, struct buf *ret);

#endif
