/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_RESULTS_H
#define SUPERVISOR_RESULTS_H

/* What a worker writes: answers, streams, and that it is ready. */

#include <stddef.h>

struct worker;

/* Reads once and handles the frames that are whole. */
void results_read(struct worker *worker);
void results_read_output(struct worker *worker);

/*
 * Takes the answers that it has made so far, those that it still holds back too: afterwards the first of its
 * tasks is the one that it is at.  Answered tasks are gone.
 */
void results_catch_up(struct worker *worker);

/* The same, but only what it holds back. */
void results_take_held(struct worker *worker);

/* Takes all that the dead worker has left in its pipes, and what it held back. */
void results_drain(struct worker *worker);

/* It is ready once it has said so and its pid is known. */
void results_check_ready(struct worker *worker);

#endif
