/* SPDX-License-Identifier: MIT */
#ifndef CHECK_SUPERVISOR_H
#define CHECK_SUPERVISOR_H

/* The parts of check_supervisor. */

#include <check.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

void add_supervisor_cgroup(Suite *suite);
void add_supervisor_errors(Suite *suite);
void add_supervisor_health(Suite *suite);
void add_supervisor_notice(Suite *suite);
void add_supervisor_plan(Suite *suite);
void add_supervisor_session(Suite *suite);
void add_supervisor_state(Suite *suite);
void add_supervisor_terms(Suite *suite);

#endif
