/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_RESULTS_H
#define SUPERVISOR_RESULTS_H

/* What a worker writes: answers, streams, and that it is ready. */

#include <stddef.h>

struct worker;

/* Reads once and handles the frames that are whole. */
void results_read(struct worker *worker);
void results_read_output(struct worker *worker);

/* Reads all that the dead worker has left in its pipes. */
void results_drain(struct worker *worker);

/* It is ready once it has said so and its pid is known. */
void results_check_ready(struct worker *worker);

#endif
