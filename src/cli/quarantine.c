/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/moment.h"
#include "cli/print.h"
#include "cli/query.h"
#include "cli/table.h"
#include "cli/value.h"

struct quarantine_options {
	const char *release;
};

/* The first of them is the last that happened. */
static int add_last_reason(struct table *table, const msgpack_object *reasons)
{
	const msgpack_object *last = NULL;

	if (reasons != NULL && reasons->type == MSGPACK_OBJECT_ARRAY && reasons->via.array.size > 0)
		last = &reasons->via.array.ptr[0];
	return table_take(table, value_string(last, ""));
}

static int add_row(struct table *table, const msgpack_object *row)
{
	char text[MOMENT_TEXT_MAX];

	if (table_take(table, value_text(row, "function", "?")) < 0 ||
		table_add(table, "%" PRId64, value_int(row, "crashes", 0)) < 0 ||
		table_add(table, "%s", moment_text(text, value_double(row, "since", -1))) < 0)
		return -ENOMEM;
	return add_last_reason(table, value_get(row, "reasons"));
}

static int show(struct buf *out, const msgpack_object *rows)
{
	static const char *const heads[] = {"FUNCTION", ">CRASHES", "SINCE", "LAST CRASH", NULL};
	struct table table;
	int broken = 0;

	if (rows->type != MSGPACK_OBJECT_ARRAY)
		return 0;
	table_init(&table, heads);
	for (uint32_t i = 0; broken == 0 && i < rows->via.array.size; i++)
		broken = add_row(&table, &rows->via.array.ptr[i]);
	if (broken == 0)
		broken = table_append(out, &table);
	table_fini(&table);
	return broken;
}

static int release(struct cli *cli, const char *function)
{
	struct ruche_reply *reply = NULL;
	bool was_in = false;
	int status = cli_open(cli);

	if (status != 0)
		return status;
	status = ruche_call(cli->ruche, &reply, "ruche.release", "s", function);
	status = cli_answer(cli, function, status, reply);
	if (status != 0)
		return status;
	(void)ruche_reply_bool(reply, &was_in);
	if (cli->json)
		status = print_result(cli, reply);
	ruche_reply_free(reply);
	if (was_in || status != 0)
		return status;
	log_error("%s is not in quarantine", function);
	return STATUS_FAILED;
}

static const char *set_release(struct cli *cli, const char *value)
{
	struct quarantine_options *own = cli->own;

	own->release = value;
	return NULL;
}

static const struct cli_option options[] = {
	{"release", "FUNCTION", "let it be called again", set_release, 0},
	{0},
};

static int run(struct cli *cli, int argc, char **argv)
{
	const struct quarantine_options *own = cli->own;

	if (own->release == NULL || argc > 0)
		return query_run(cli, "ruche.quarantine", argc, argv, show);
	return release(cli, own->release);
}

const struct cli_command quarantine_command = {
	.name = "quarantine",
	.usage = "[OPTION]...",
	.summary = "list the functions that killed too many workers, or release one",
	.text = "A function in quarantine is not called: it is answered with the error "
		"\"quarantined\".\n"
		"To release it is for root, the user of the daemon, and whom ruche.conf(5) allows "
		"it;\n"
		"the exit status is 1 if it was not there.",
	.examples = "ruche quarantine\n"
		    "ruche quarantine --release crash.segv",
	.options = options,
	.own_size = sizeof(struct quarantine_options),
	.run = run,
};
