/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_TASKLOG_H
#define SUPERVISOR_TASKLOG_H

/*
 * What a submitted command writes: kept while it runs and as long as its answer, up to
 * [limits] log_bytes, the first half and the last half of it; and told to those who follow it.
 */

#include <stddef.h>
#include <stdint.h>

struct handle;
struct session;
struct state_reader;
struct state_writer;
struct supervisor;
struct wait;

int tasklog_attach(struct handle *handle); /* an empty one: 0 or -ENOMEM */
void tasklog_free(struct handle *handle);  /* may have none */
size_t tasklog_size(const struct handle *handle);

/* A piece of its output on stream 1 or 2. */
void tasklog_add(struct supervisor *sup, struct handle *handle, uint8_t stream, const void *data,
	size_t len);

/* Tells all there is, as ruche.output of this msgid. */
void tasklog_tell(struct session *session, uint32_t msgid, const struct handle *handle);
/* And then answers it. */
void tasklog_answer(
	struct session *session, uint32_t msgid, const struct handle *handle, uint64_t cut);
/* As part of the record that is being made, or is looked at, see state.h.  0 or -ENOMEM. */
void tasklog_save(struct state_writer *w, const struct handle *handle);
int tasklog_load(struct state_reader *r, struct handle *handle);

/* Answers who followed it to its end. */
void tasklog_end(const struct wait *wait, const struct handle *handle);

#endif
