/* SPDX-License-Identifier: MIT */
#ifndef CLI_HERE_H
#define CLI_HERE_H

/*
 * Where a command is to run: `path` as seen from the current directory, or that itself for
 * NULL.  A new string, which the caller frees; NULL after a message.
 */
char *here_path(const char *path);

#endif
