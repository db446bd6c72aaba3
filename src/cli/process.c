/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

/* A process is a task like any other: the same commands are for it. */
static const struct cli_alias subs[] = {
	{"start", &submit_command, "process", NULL},
	{"run", &run_command, "process", NULL},
	{"call", &call_command, "process", NULL},
	{"join", &wait_command, NULL, NULL},
	{"status", &status_command, NULL, NULL},
	{"result", &result_command, NULL, NULL},
	{"terminate", &cancel_command, NULL, NULL},
	{"kill", &cancel_command, "signal", "KILL"},
	{NULL, NULL, NULL, NULL},
};

const struct cli_command process_command = {
	.name = "process",
	.summary = "start a function or a command as a process of its own",
	.text = "A process is a task that waits for no worker of the pool: it starts at once, "
		"however "
		"many\n"
		"run already.  `ruche process start` is `ruche submit --process` and prints its "
		"id; "
		"the\n"
		"others are subcommands for tasks, by the names that multiprocessing.Process has.",
	.examples = "id=$(ruche process start primes.count 0 1000000)\n"
		    "ruche process join $id && ruche process result $id\n"
		    "ruche process terminate $(ruche process start -- sleep 1000)",
	.subs = subs,
};
