/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_REQUEST_H
#define SUPERVISOR_REQUEST_H

/*
 * What a client asks for: the daemon's own methods by a table, everything else is the
 * name of a function.
 */

#include <stdint.h>

struct scan;
struct session;

/* One whole frame, valid during the call. */
void request_handle(struct session *session, const struct scan *scan, const uint8_t *frame);

/*
 * Bytes that are not a frame (`error` is what scan_feed() said): tells the client and takes no
 * more from it.
 */
void request_refuse(struct session *session, const struct scan *scan, int error);

#endif
