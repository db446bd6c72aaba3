/* SPDX-License-Identifier: MIT */
#ifndef CHECK_CORE_H
#define CHECK_CORE_H

/* What the parts of check_core share. */

#include <check.h>
#include <stdint.h>

#include "core/slot.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* An absent slot gets a worker that is idle since then. */
void make_ready(struct slot *slot, uint64_t now);

void add_core_handle(Suite *suite);
void add_core_plan(Suite *suite);
void add_core_queue(Suite *suite);
void add_core_scheduler(Suite *suite);

#endif
