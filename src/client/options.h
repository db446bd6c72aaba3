/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_OPTIONS_H
#define CLIENT_OPTIONS_H

/*
 * What may be asked of a call, as the map that travels.  Only what was set is said, and nothing is
 * judged here: the daemon knows what it takes.
 */

#include <msgpack.h>

#include <ruche/ruche.h>

/* Nothing was set, or `options` is NULL. */
bool options_are_default(const struct ruche_options *options);

/* A map, perhaps empty, of what was set and `process`.  0, or the negative errno of the packer. */
int options_pack(msgpack_packer *pk, const struct ruche_options *options, bool is_process);

/* Do they speak of a single run or of points of time, so that several items cannot share them? */
bool options_are_for_one(const struct ruche_options *options);

/* A copy with its strings, to be freed with free(); NULL: no memory, or `options` is NULL. */
struct ruche_options *options_copy(const struct ruche_options *options);

#endif
