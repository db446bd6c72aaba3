/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_STREAM_H
#define SUPERVISOR_STREAM_H

/* What a task says while it runs: output, progress, room for input. */

#include <stdint.h>

struct worker;

/*
 * Sends the notification that worker->scan tells of on to whom the running task is for; its msgid is the first
 * parameter.  0, or -EPROTO: it has none.
 */
int stream_pass(struct worker *worker, const uint8_t *frame);

#endif
