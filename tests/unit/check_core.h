/* SPDX-License-Identifier: MIT */
#ifndef CHECK_CORE_H
#define CHECK_CORE_H

/* What the parts of check_core share. */

#include <check.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

void add_core_access(Suite *suite);
void add_core_groups(Suite *suite);
void add_core_handle(Suite *suite);
void add_core_item_tree(Suite *suite);
void add_core_object(Suite *suite);
void add_core_object_model(Suite *suite);
void add_core_plan(Suite *suite);
void add_core_queue(Suite *suite);
void add_core_scheduler(Suite *suite);
void add_core_slots(Suite *suite);
void add_core_tasks(Suite *suite);
void add_core_throttle(Suite *suite);
void add_core_user(Suite *suite);

#endif
