/* SPDX-License-Identifier: MIT */
#include "cli/args.h"
#include "cli/cli.h"
#include "cli/print.h"

static int call(struct cli *cli, const char *function, const msgpack_sbuffer *args)
{
	struct ruche_reply *reply = NULL;
	uint32_t id;
	int status = cli_open(cli);

	if (status != 0)
		return status;
	status = ruche_apply_packed(cli->ruche, &id, &cli->call, function, args->data, args->size);
	if (status == 0)
		status = ruche_wait(cli->ruche, id, -1, &reply);
	status = cli_answer(cli, function, status, reply);
	if (status != 0)
		return status;
	status = print_result(cli, reply);
	ruche_reply_free(reply);
	return status;
}

static int run(struct cli *cli, int argc, char **argv)
{
	msgpack_sbuffer args;
	int status;

	if (argc == 0)
		return cli_usage(cli, "which FUNCTION?");
	msgpack_sbuffer_init(&args);
	status = args_pack_array(cli, &args, argc - 1, argv + 1);
	if (status == 0)
		status = call(cli, argv[0], &args);
	msgpack_sbuffer_destroy(&args);
	return status;
}

const struct cli_command call_command = {
	.name = "call",
	.usage = "[OPTION]... FUNCTION [ARG]...",
	.summary = "call a function and print its result",
	.text = "Each ARG is a JSON value; what is not JSON is a string.  The result is printed "
		"as\n"
		"one line of JSON, except that a string is printed as it is unless --json is "
		"given.\n"
		"Options stand before FUNCTION; what follows it is all arguments.",
	.examples = "ruche call primes.count 100000 300000\n"
		    "ruche call echo '{\"name\": \"bee\", \"legs\": 6}'\n"
		    "ruche call --timeout 2s --attempts 3 --retry-on timeout,crashed sleep 1\n"
		    "ruche --private call sum_squares 10000000",
	.groups = {&call_option_group},
	.run = run,
};
