/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/log.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "cli/failure.h"
#include "cli/json.h"

static int print_result(const struct cli *cli, const struct ruche_reply *reply)
{
	struct buf text = {0};
	const void *data;
	size_t len;
	int broken = ruche_reply_packed(reply, &data, &len);

	if (broken == 0)
		broken = cli->json ? json_append_packed(&text, data, len)
				   : json_append_plain(&text, data, len);
	if (broken == 0)
		broken = buf_append(&text, "\n", 1);
	broken = broken < 0 ? cli_broken(broken) : cli_print(&text);
	buf_fini(&text);
	return broken;
}

static int finish(const struct cli *cli, const char *function, struct ruche_reply *reply)
{
	const struct ruche_error *error = ruche_reply_error(reply);
	int status =
		error != NULL ? failure_report(cli, function, error) : print_result(cli, reply);

	ruche_reply_free(reply);
	return status;
}

static int call(struct cli *cli, const char *function, const msgpack_sbuffer *args)
{
	struct ruche_reply *reply = NULL;
	uint32_t id;
	int status = cli_open(cli);

	if (status != 0)
		return status;
	status = ruche_submit_packed(cli->ruche, &id, function, args->data, args->size);
	if (status == 0)
		status = ruche_wait(cli->ruche, id, -1, &reply);
	if (status < 0)
		return cli_broken(status);
	return finish(cli, function, reply);
}

static int run(struct cli *cli, int argc, char **argv)
{
	msgpack_sbuffer args;
	int status;

	if (argc == 0)
		return cli_usage(cli, "which FUNCTION?");
	msgpack_sbuffer_init(&args);
	status = args_pack_array(cli, &args, argc - 1, argv + 1, 0);
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
		    "ruche --private call sum_squares 10000000",
	.run = run,
};
