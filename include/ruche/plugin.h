/* SPDX-License-Identifier: MIT */
#ifndef RUCHE_PLUGIN_H
#define RUCHE_PLUGIN_H

/*
 * The task-function API: what a plugin gives to a pool of workers.
 *
 * A plugin is a shared object that exports one symbol, `ruche_plugin`:
 *
 *	#include <ruche/plugin.h>
 *
 *	static int cube(struct ruche_task *task)
 *	{
 *		int64_t n;
 *
 *		if (ruche_arg_int64(task, 0, &n) < 0)
 *			return -1;
 *		return ruche_return_int64(task, n * n * n);
 *	}
 *
 *	static const struct ruche_function functions[] = {
 *		{ .name = "cube", .run = cube, .params = "n", .summary = "n to the third" },
 *		{ 0 },
 *	};
 *
 *	RUCHE_PLUGIN_EXPORT const struct ruche_plugin ruche_plugin = {
 *		.abi = RUCHE_PLUGIN_ABI, .name = "example", .functions = functions,
 *	};
 *
 * Build it with  cc -shared -fPIC $(pkg-config --cflags ruche) cube.c -o cube.so
 * and load it with  ruched --plugin ./cube.so.
 *
 * The fork server loads every plugin once; each worker is a fork of it.  A
 * worker runs one task at a time, in its main thread.  A function may block,
 * allocate, crash or exit: it harms no task but its own.  The functions below
 * are provided by the program that loads the plugin; all of them are to be
 * called from within `run`, in the thread that was given the task.
 */

#include <msgpack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ruche/codes.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised whenever a struct of this header changes its layout or its meaning. */
#define RUCHE_PLUGIN_ABI 1

#define RUCHE_PLUGIN_EXPORT __attribute__((visibility("default")))

struct ruche_task; /* one task, valid until its `run` returns */

/* One row of a plugin's table.  A row whose name is NULL ends the table. */
struct ruche_function {
	/* How callers name it: 1 to 128 bytes of A-Z a-z 0-9 . _ -, not beginning with "ruche." */
	const char *name;
	/*
	 * Runs one task.  0: done, the result is what was given to one
	 * ruche_return_*() (nil if none was).  Anything else: failed, as said by
	 * ruche_fail() or by an argument getter.
	 */
	int (*run)(struct ruche_task *task);
	/*
	 * The parameters' names, for people and for messages, and their number,
	 * which is checked before `run` is called: "lo hi" takes two, "s [label]"
	 * one or two, "x ..." one or more.  "" takes none; NULL is not checked.
	 */
	const char *params;
	const char *summary; /* one line for `ruche functions`, or NULL */
};

struct ruche_plugin {
	unsigned int abi; /* RUCHE_PLUGIN_ABI */
	const char *name; /* for messages */
	/*
	 * Called once in every new worker before its first task, or NULL.  0: ready.
	 * Anything else: this worker cannot be used; say why on stderr.
	 */
	int (*init)(void);
	const struct ruche_function *functions;
};

/* The symbol that every plugin defines. */
extern const struct ruche_plugin ruche_plugin;

/*
 * Arguments.  Indexes count from 0.  A getter returns 0, or -EINVAL when the
 * argument is missing, of another type or out of range; then the task's answer
 * is already set to `bad_arguments` with a message that names the parameter, and
 * `run` only has to return -1.  *ret is untouched on failure.  Returned pointers
 * are borrowed, valid until `run` returns.
 */
size_t ruche_arg_count(const struct ruche_task *task);
const msgpack_object *ruche_arg(
	const struct ruche_task *task, size_t index); /* NULL past the end */
int ruche_arg_int64(struct ruche_task *task, size_t index, int64_t *ret);
int ruche_arg_uint64(struct ruche_task *task, size_t index, uint64_t *ret);
__extension__ int ruche_arg_int128(struct ruche_task *task, size_t index, __int128 *ret);
int ruche_arg_double(struct ruche_task *task, size_t index, double *ret); /* integers too */
int ruche_arg_bool(struct ruche_task *task, size_t index, bool *ret);
/*
 * Text or binary; not NUL-terminated: `*ret_len` bytes.  A long one (32 KiB and more) may lie in memory that the
 * client shares, at a multiple of 64: it is not to be written to, and a client that does not keep to the rules can change it
 * while it is being read, so copy first what must not change between a check and its use.
 */
int ruche_arg_bytes(struct ruche_task *task, size_t index, const char **ret, size_t *ret_len);

/*
 * Results.  Each sets the task's result, in place of one set before, and
 * returns 0, so that `return ruche_return_int64(task, n);` ends a function; or
 * -ENOMEM, after which the task counts as failed.  An integer travels in 64 bits
 * when it fits and else as MessagePack extension type 1, see ruche-protocol(7).
 */
int ruche_return_nil(struct ruche_task *task);
int ruche_return_bool(struct ruche_task *task, bool value);
int ruche_return_int64(struct ruche_task *task, int64_t value);
int ruche_return_uint64(struct ruche_task *task, uint64_t value);
__extension__ int ruche_return_int128(struct ruche_task *task, __int128 value);
int ruche_return_double(struct ruche_task *task, double value);
int ruche_return_str(struct ruche_task *task, const char *text); /* NUL-terminated UTF-8 */
int ruche_return_bin(struct ruche_task *task, const void *data, size_t len);
int ruche_return_object(struct ruche_task *task, const msgpack_object *object); /* copied */
/*
 * For any other shape: drops what was set before and lends the packer to write
 * exactly one value with; borrowed, valid until `run` returns.
 */
msgpack_packer *ruche_return_packer(struct ruche_task *task);

/*
 * Failures.  Both format a message as printf does, cut at 1 KiB, and return -1, so
 * that `return ruche_fail(task, "…");` ends a function.  ruche_fail() says that
 * the function failed (`failed`), ruche_refuse() that its arguments are no good
 * (`bad_arguments`).
 */
int ruche_fail(struct ruche_task *task, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
int ruche_refuse(struct ruche_task *task, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * True once the caller cancelled the task or went away.  A long function asks
 * now and then, and returns early (its return value then hardly matters); one
 * that does not is killed with its worker after a grace period.  Costs one load.
 * Interruptible system calls return EINTR when it becomes true.
 */
bool ruche_should_stop(const struct ruche_task *task);

/*
 * Tells the caller how far the task has come, in whatever unit the two agree
 * on.  May block while the caller does not read.  0 or a negative errno.
 */
int ruche_progress(struct ruche_task *task, double value);

#ifdef __cplusplus
}
#endif

#endif
