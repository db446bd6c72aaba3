/* SPDX-License-Identifier: MIT */
#ifndef WORKER_CHUNK_H
#define WORKER_CHUNK_H

/*
 * Chunks: the function `ruche.map` that every native worker has.  Calls another function once for
 * each of some items, all in one task, and returns what came of each.  PROTOCOL.md tells the parameters
 * and the result.
 *
 * It may end before the last item, so that no chunk holds up its worker for long.  What has
 * ended is also kept on the claim page (wire/claim.h), where it outlives a crash.
 */

#include <ruche/plugin.h>

extern const struct ruche_function chunk_functions[];

#endif
