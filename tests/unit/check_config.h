/* SPDX-License-Identifier: MIT */
#ifndef CHECK_CONFIG_H
#define CHECK_CONFIG_H

/* What the parts of check_config share: a folder for files, and a configuration. */

#include <check.h>
#include <stddef.h>

#include "supervisor/config.h"

extern struct config config;
extern char error[CONFIG_ERROR_MAX];

/* A test begins with an empty folder and a configuration of defaults. */
void set_up(void);
void tear_down(void);

/* The path of a file in the folder; valid until the eighth call from now. */
const char *path_of(const char *name);
const char *write_file(const char *name, const char *text);
const char *write_bytes(const char *name, const void *data, size_t len);
const char *make_folder(const char *name);

/* Reads this text as the file "conf". */
int read_text(const char *text);
void read_good(const char *text);

void add_config_errors(Suite *suite);
void add_config_options(Suite *suite);

#endif
