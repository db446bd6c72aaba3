/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/query.h"
#include "cli/value.h"

static int show(struct buf *out, const msgpack_object *pong, uint64_t elapsed)
{
	char *version = value_text(pong, "version", "?");
	int broken = cli_append(out,
		"ruched %s, pid %" PRId64 ", protocol %" PRId64 ", answered in %.3f ms\n",
		version != NULL ? version : "?", value_int(pong, "pid", 0),
		value_int(pong, "protocol", 0), (double)elapsed / CLOCK_MS);

	free(version);
	return broken;
}

static int ping(const struct cli *cli, uint64_t *ret_elapsed)
{
	struct ruche_reply *reply;
	uint64_t start = clock_now();
	int broken = ruche_call(cli->ruche, &reply, "ruche.ping", "");

	if (broken < 0)
		return cli_broken(broken);
	*ret_elapsed = clock_now() - start;
	ruche_reply_free(reply);
	return 0;
}

static int run(struct cli *cli, int argc, char **argv)
{
	struct query query;
	struct buf out = {0};
	uint64_t elapsed = 0;
	int status;

	status = query_ask(&query, cli, "ruche.ping", argc, argv);
	if (status != 0)
		return status;
	/* The first answer had to wait for the connection. */
	status = cli->json ? query_append_json(&query, &out) : ping(cli, &elapsed);
	if (status == 0 && !cli->json)
		status = show(&out, query.result, elapsed);
	return query_finish(&query, &out, status);
}

const struct cli_command ping_command = {
	.name = "ping",
	.usage = "[OPTION]...",
	.summary = "ask the daemon whether it is there, and how fast it answers",
	.text = "Prints the daemon's version and the time of one round trip over an open\n"
		"connection.  The exit status is 69 if no daemon answers.",
	.examples = "ruche ping\n"
		    "ruche ping --json",
	.run = run,
};
