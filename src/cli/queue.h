/* SPDX-License-Identifier: MIT */
#ifndef CLI_QUEUE_H
#define CLI_QUEUE_H

/* `ruche queue`, which is more than one file. */

struct cli_command;

extern const struct cli_command queue_put_command, queue_get_command;

#endif
