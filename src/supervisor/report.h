/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_REPORT_H
#define SUPERVISOR_REPORT_H

/* What the daemon says of itself.  Each packs one value: 0, or a negative errno. */

#include <msgpack.h>

struct handle;
struct supervisor;
struct user;

int report_ping(struct supervisor *sup, msgpack_packer *pk);
int report_status(struct supervisor *sup, msgpack_packer *pk);
int report_workers(struct supervisor *sup, msgpack_packer *pk);
int report_functions(struct supervisor *sup, msgpack_packer *pk);
int report_quarantine(struct supervisor *sup, msgpack_packer *pk);

/* One task that has an id; all of a user, or of all users for NULL, the newest first. */
int report_task(struct supervisor *sup, const struct handle *handle, msgpack_packer *pk);
int report_tasks(struct supervisor *sup, const struct user *user, msgpack_packer *pk);

#endif
