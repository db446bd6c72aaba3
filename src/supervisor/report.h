/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_REPORT_H
#define SUPERVISOR_REPORT_H

/* What the daemon says of itself.  Each packs one value: 0, or a negative errno. */

#include <msgpack.h>

struct supervisor;

int report_ping(struct supervisor *sup, msgpack_packer *pk);
int report_status(struct supervisor *sup, msgpack_packer *pk);
int report_workers(struct supervisor *sup, msgpack_packer *pk);
int report_functions(struct supervisor *sup, msgpack_packer *pk);

/* Why there are fewer workers than there should be; never NULL, "" if all is well. */
const char *report_problem(const struct supervisor *sup);

#endif
