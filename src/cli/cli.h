/* SPDX-License-Identifier: MIT */
#ifndef CLI_CLI_H
#define CLI_CLI_H

/*
 * The command line of `ruche`: options, the table of subcommands, the connection, and
 * what all subcommands say in the same words.  A subcommand is one file with one const
 * table entry; its help is made from that entry.
 *
 * Functions that can fail return 0 or the exit status of the program, having told
 * the user why: `return cli_usage(…)` ends a subcommand.
 */

#include <stdbool.h>
#include <stddef.h>

#include <ruche/ruche.h>

#include "base/buf.h"
#include "cli/command.h"

struct cli;

/* Exit statuses, besides 0, a command's own, and 128 + a signal; sysexits.h where it has one. */
enum {
	STATUS_FAILED = 1,
	STATUS_USAGE = 64,
	STATUS_NO_DAEMON = 69,
	STATUS_OUTPUT = 74,
	STATUS_BUSY = 75,
	STATUS_DENIED = 77,
	STATUS_TIMEOUT = 124,
	STATUS_NOT_STARTED = 126,
	STATUS_SIGNAL = 128,
};

/* One row of a table of options.  A row whose name is NULL ends it. */
struct cli_option {
	const char *name;  /* without the dashes */
	const char *value; /* what its value is called, or NULL: it takes none */
	const char *help;  /* one line */
	/* Keeps the value, which lives as long as the program.  NULL, or what is wrong with it. */
	const char *(*set)(struct cli *cli, const char *value);
	char letter; /* its short form, or 0 */
};

/* Options that several subcommands have, and what they are called in the help. */
struct cli_option_group {
	const char *title;
	const struct cli_option *options;
};

enum { CLI_GROUPS_MAX = 2 };

struct cli_command {
	const char *name;
	const char *usage;                /* what follows the name, one form a line */
	const char *summary;              /* one line */
	const char *text;                 /* a paragraph or two for its help */
	const char *examples;             /* lines of a shell, each of which works */
	const struct cli_option *options; /* its own, besides those that all have; or NULL */
	const struct cli_option_group *groups[CLI_GROUPS_MAX + 1]; /* NULL ends it */
	size_t own_size; /* of what its options are kept in, zeroed, at cli->own */
	bool shared;     /* it is about what programs share: a private daemon would be of no use */
	unsigned int names; /* behind so many operands its options may stand as well */
	/* Gets what follows the options.  Returns the exit status. */
	int (*run)(struct cli *cli, int argc, char **argv);
	/*
	 * Or NULL: it is a group of these, and has a name, a summary, a text and examples of its own, and nothing
	 * else.  Theirs begin with the group's name.  A name that is NULL ends it.
	 */
	const struct cli_alias *subs;
};

/* Another name of a subcommand, as Python's multiprocessing has it; or a name within a group. */
struct cli_alias {
	const char *name;
	const struct cli_command *command;
	const char *option, *value; /* one of its own that is then given, or NULL */
};

struct cli {
	/* options that all subcommands have */
	const char *socket;
	bool private_daemon, json, help, version;
	unsigned int workers;
	const char **plugins; /* NULL-terminated; NULL if there are none */
	size_t plugin_count;

	const struct cli_command *command;
	void *own;
	struct ruche_options call;              /* call_option_group */
	struct command_options command_options; /* command_option_group */
	bool has_timeout;                       /* patience_option_group */
	double timeout;
	bool dashes; /* "--" ended the options */
	struct ruche *ruche;
	int signal; /* to die of at the end, or 0 */
};

extern const struct cli_option cli_options[];
extern const struct cli_command *const cli_commands[]; /* NULL ends it */
extern const struct cli_alias cli_aliases[];           /* a name that is NULL ends it */

extern const struct cli_option_group call_option_group, command_option_group, patience_option_group;

extern const struct cli_command call_command, run_command, map_command, submit_command,
	wait_command, result_command, log_command, cancel_command, tasks_command, process_command,
	queue_command, lock_command, event_command, barrier_command, value_command, pipe_command,
	objects_command, status_command, workers_command, functions_command, quarantine_command,
	pool_command, cpu_count_command, reload_command, upgrade_command, drain_command,
	pause_command, resume_command, ping_command, help_command;

int cli_main(int argc, char **argv);

/*
 * That which the first words of argv name, by its name or an alias, and of a group the one that the next word names.
 * NULL: there is none.  *ret_used: how many words were looked at.
 */
const struct cli_command *cli_find(int argc, char *const *argv, int *ret_used);

/* A count from 1 to `max`: 0 or -EINVAL. */
int cli_number(const char *text, size_t max, size_t *ret);

/* "ruche: COMMAND: …" and a hint at the help; STATUS_USAGE. */
int cli_usage(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "ruche: out of memory"; STATUS_FAILED. */
int cli_no_memory(void);

/* That a call of libruche broke with `error`, a negative errno; the exit status that fits. */
int cli_broken(int error);

/* That nothing can be written to stdout; STATUS_OUTPUT, or for -EPIPE quietly 128 + SIGPIPE. */
int cli_output_broken(int error);

/* Opens cli->ruche, which cli_main() closes.  0 or STATUS_NO_DAEMON. */
int cli_open(struct cli *cli);

/* Writes all of `text` to stdout.  0 or STATUS_OUTPUT. */
int cli_print(struct buf *text);

/* Formatted text at the end of `buf`: 0 or -ENOMEM. */
int cli_append(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * What became of asking the daemon about `what`: `broken` and *reply as libruche gave them.  0: the
 * reply is a success, and the caller's.
 */
int cli_answer(const struct cli *cli, const char *what, int broken, struct ruche_reply *reply);

/*
 * Calls one of the daemon's own methods and waits.  0: *ret is its reply, a success, to be
 * freed by the caller.
 */
int cli_ask(struct cli *cli, const char *method, struct ruche_reply **ret);

/* help.c: about the program (`command` NULL) or a subcommand. */
int help_append(struct buf *text, const struct cli_command *command);

#endif
