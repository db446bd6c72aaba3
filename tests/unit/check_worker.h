/* SPDX-License-Identifier: MIT */
#ifndef CHECK_WORKER_H
#define CHECK_WORKER_H

/* What the files of check_worker share: most tests want a fork server and one worker. */

#include "golden.h"
#include "worker_rig.h"

extern struct rig rig;
extern struct rig_worker worker;
extern struct rig_message m; /* the last one read */

/* A test case; with_worker: `rig` and `worker` are ready in each test, and nothing may survive it. */
TCase *worker_case(Suite *suite, const char *name, bool with_worker);

/* Waits until no process of the test is left: all come home to it, as it is a subreaper. */
void worker_expect_nobody(void);

/* A golden vector by its name. */
const struct golden *worker_golden(const char *name);

/* A new name in /tmp; nothing has it. */
void worker_temp_name(char path[64]);
pid_t worker_read_pid(const char *path);

/*
 * Commands are written as in the shell.  An option is a letter and a value: i stdin, c cwd,
 * p an env that has PATH alone, e an env of PATH and X; s and f, with any value, stand for
 * stream and stream_input.
 */
struct worker_option {
	char letter;
	const char *value;
};

/* Hands a command to the worker and returns its number; argv ends with NULL. */
uint32_t worker_hand_command(
	const char *const *argv, const struct worker_option *options, uint32_t count);
uint32_t worker_hand_shell(const char *script, const struct worker_option *options, uint32_t count);
/* The same, and reads its answer, which must be the next message. */
void worker_run_shell(const char *script, const struct worker_option *options, uint32_t count);

/* Add the cases of their files. */
void check_worker_calls(Suite *suite);
void check_worker_chunks(Suite *suite);
void check_worker_commands(Suite *suite);
void check_worker_held(Suite *suite);
void check_worker_settings(Suite *suite);
void check_worker_standby(Suite *suite);
void check_worker_streams(Suite *suite);

#endif
