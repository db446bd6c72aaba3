/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/duration.h"
#include "cli/holder.h"
#include "cli/object.h"

enum { EXIT_STATUS_MAX = 255 };

struct lock_options {
	bool nonblock, has_wait, has_conflict_status, close, no_fork;
	double wait;
	size_t units; /* of a semaphore; 0: it is a lock */
	int conflict_status;
};

static const char *set_nonblock(struct cli *cli, const char *value)
{
	struct lock_options *own = cli->own;

	(void)value;
	own->nonblock = true;
	return NULL;
}

static const char *set_wait(struct cli *cli, const char *value)
{
	struct lock_options *own = cli->own;

	if (duration_parse(value, &own->wait) < 0)
		return "must be a time such as 0, 1.5, 500ms, 2min or 1h";
	own->has_wait = true;
	return NULL;
}

static const char *set_conflict_status(struct cli *cli, const char *value)
{
	struct lock_options *own = cli->own;
	size_t status = 0;

	if ((value[0] != '0' || value[1] != '\0') &&
		cli_number(value, EXIT_STATUS_MAX, &status) < 0)
		return "must be a number from 0 to 255";
	own->conflict_status = (int)status;
	own->has_conflict_status = true;
	return NULL;
}

static const char *set_semaphore(struct cli *cli, const char *value)
{
	struct lock_options *own = cli->own;

	if (cli_number(value, UINT_MAX, &own->units) < 0)
		return "must be a number, at least 1";
	return NULL;
}

static const char *set_close(struct cli *cli, const char *value)
{
	struct lock_options *own = cli->own;

	(void)value;
	own->close = true;
	return NULL;
}

static const char *set_no_fork(struct cli *cli, const char *value)
{
	struct lock_options *own = cli->own;

	(void)value;
	own->no_fork = true;
	return NULL;
}

static const struct cli_option options[] = {
	{"nonblock", NULL, "if it is held, do not wait: the exit status is 1", set_nonblock, 'n'},
	{"wait", "S", "wait no longer than this; then the exit status is 1", set_wait, 'w'},
	{"timeout", "S", "the same", set_wait, 0},
	{"conflict-exit-code", "N", "the exit status with -n and -w, instead of 1",
		set_conflict_status, 'E'},
	{"semaphore", "N", "N may hold it at once; all who use it say the same N", set_semaphore,
		0},
	{"close", NULL, "what CMD leaves behind does not hold it", set_close, 'o'},
	{"no-fork", NULL, "CMD takes the place of this program", set_no_fork, 'F'},
	{0},
};

static int patience(const struct lock_options *own)
{
	if (own->nonblock)
		return 0;
	return own->has_wait ? duration_ms(own->wait) : -1;
}

/* Somebody else has it, which was to be reckoned with: silently, as flock(1). */
static int end_conflict(const struct lock_options *own)
{
	return own->has_conflict_status ? own->conflict_status : STATUS_FAILED;
}

static int run_with(struct cli *cli, struct ruche_object *lock, const char *name, char **argv)
{
	const struct lock_options *own = cli->own;
	int got = ruche_acquire(lock, patience(own));

	if (got == -ETIMEDOUT || got == -EAGAIN)
		return end_conflict(own);
	if (got < 0)
		return object_answer(cli, name, got);
	if (got == RUCHE_ABANDONED)
		log_warning("%s: its last holder died with it: what it protects may be half"
			    " changed",
			name);
	return holder_run(cli, lock, argv,
		own->no_fork ? HOLDER_REPLACE
		: own->close ? HOLDER_ALONE
			     : HOLDER_SHARED);
}

static int run(struct cli *cli, int argc, char **argv)
{
	const struct lock_options *own = cli->own;
	const struct ruche_object_options terms = {.value = (unsigned int)own->units};
	struct ruche_object *lock = NULL;
	int status;

	if (argc < 2)
		return cli_usage(cli, "takes the NAME of a lock and a CMD");
	if (own->close && own->no_fork)
		return cli_usage(cli, "with --no-fork there is nobody but CMD to hold the lock, so"
				      " --close would let go of it");
	status = object_open(
		cli, &lock, own->units > 0 ? RUCHE_SEMAPHORE : RUCHE_LOCK, argv[0], &terms);
	if (status == 0)
		status = run_with(cli, lock, argv[0], argv + 1);
	ruche_object_close(lock);
	return status;
}

const struct cli_command lock_command = {
	.name = "lock",
	.usage = "[OPTION]... NAME [--] CMD [ARG]...",
	.summary = "run a command while holding a lock, as flock(1) does",
	.text = "Waits until nobody else holds the lock of this name, runs CMD here, not in a "
		"worker, "
		"and\n"
		"exits with its status: 128+N if it was killed by signal N, 127 or 126 if it could "
		"not be\n"
		"started.  CMD itself holds the lock, and so does what it leaves behind: nobody "
		"gets "
		"it\n"
		"before all of them have ended, even if this program is killed.\n"
		"\n"
		"Whoever gets the lock after a CMD that was killed is told on stderr: what it "
		"protects\n"
		"may be half changed.  `ruche objects NAME` shows who holds it and who waits.",
	.examples = "ruche lock backup -- rsync -a src/ dst/\n"
		    "ruche lock -n nightly -- ./nightly.sh || echo 'it still runs'\n"
		    "ruche lock --semaphore 3 downloads -- curl -O https://example.org/file",
	.options = options,
	.own_size = sizeof(struct lock_options),
	.shared = true,
	.names = 1,
	.run = run,
};
