/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"
#include "cli/object.h"
#include "cli/print.h"

static int run(struct cli *cli, int argc, char **argv)
{
	const char *pool = argc > 0 ? argv[0] : NULL;
	struct buf out = {0};
	unsigned int count = 0;
	int status = object_operands(cli, argc, 0, 1, "one POOL at the most");

	if (status == 0)
		status = cli_open(cli);
	if (status == 0)
		status = object_answer(cli, pool != NULL ? pool : "cpu-count",
			ruche_cpu_count(cli->ruche, pool, &count));
	return status != 0 ? status : print_finish(&out, cli_append(&out, "%u\n", count));
}

const struct cli_command cpu_count_command = {
	.name = "cpu-count",
	.usage = "[OPTION]... [POOL]",
	.summary = "print how many cores the workers of a pool may really use",
	.text = "Of the default pool unless POOL says which.",
	.examples = "ruche cpu-count\n"
		    "make -j$(ruche cpu-count)",
	.run = run,
};
