/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_APPLY_H
#define CLIENT_APPLY_H

/*
 * The request that has a function run.  A call without options is [0, id, function, args]; one with
 * options goes through ruche.call [function, args, options], a task through ruche.submit.
 */

#include <stdarg.h>

#include "client/request.h"

#define APPLY_COMMAND "ruche.run" /* the function that runs commands */

struct apply {
	const char *function;
	const struct ruche_options *options; /* may be NULL */
	bool is_task;                        /* ruche.submit */
	bool is_process;                     /* a task that has a worker of its own */
	bool waits; /* the caller blocks until it is answered, so it may wait for an arena too */
};

/*
 * apply_begin(), pack the args with request->pk, apply_end().  As request_begin() and
 * request_end().
 */
int apply_begin(struct request *request, struct ruche *ruche, const struct apply *apply);
int apply_end(struct request *request, const struct apply *apply, int status);

/*
 * The whole of it.  0, or a negative errno and nothing was sent.  What is given is borrowed, and
 * NULL is refused.
 */
int apply_values(struct ruche *ruche, uint32_t *ret_id, const struct apply *apply,
	const char *types, va_list values);
int apply_packed(struct ruche *ruche, uint32_t *ret_id, const struct apply *apply, const void *args,
	size_t args_len);
int apply_command(struct ruche *ruche, uint32_t *ret_id, const struct apply *apply,
	const struct ruche_command *command);

/*
 * Waits for the reply to a call that was just started, `status` 0, for one of the functions that
 * block.  If there is no memory for it the call is cancelled, and its reply comes by ruche_next().
 */
int apply_wait(struct ruche *ruche, int status, uint32_t id, struct ruche_reply **ret);

/* -EINVAL: a NULL; -EBUSY: a callback may not block. */
int apply_check(const struct ruche *ruche, const void *ret);

#endif
