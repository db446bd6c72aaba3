/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_DISPATCH_H
#define SUPERVISOR_DISPATCH_H

struct supervisor;

/* Carries out the pool's policy: hands out what can be handed out. */
void dispatch_run(struct supervisor *sup);

#endif
