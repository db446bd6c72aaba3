/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_DISPATCH_H
#define SUPERVISOR_DISPATCH_H

#include <stdbool.h>

struct supervisor;

/* Carries out the pools' policy: hands out what can be handed out. */
void dispatch_run(struct supervisor *sup);

/*
 * Something can be: it came into the queue after that, when a client was let go or began to read
 * again.
 */
bool dispatch_has_work(const struct supervisor *sup);

#endif
