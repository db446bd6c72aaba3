/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_PRIVATE_H
#define CLIENT_PRIVATE_H

#include <sys/types.h>

/*
 * Blocks until the private daemon, a child whose socket is shut down, has ended, and reaps
 * it; kills it if it does not end within some seconds.
 */
void private_end(pid_t daemon);

#endif
