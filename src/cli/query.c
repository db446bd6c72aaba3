/* SPDX-License-Identifier: MIT */
#include "cli/query.h"

#include <string.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "cli/print.h"
#include "cli/value.h"

int query_take(struct query *query, struct ruche_reply *reply)
{
	query->reply = reply;
	if (value_unpack(reply, &query->unpacked) < 0) {
		ruche_reply_free(reply);
		return cli_no_memory();
	}
	query->result = &query->unpacked.data;
	return 0;
}

void query_fini(struct query *query)
{
	msgpack_unpacked_destroy(&query->unpacked);
	ruche_reply_free(query->reply);
}

int query_ask(struct query *query, struct cli *cli, const char *method, int argc, char **argv)
{
	struct ruche_reply *reply;
	int status;

	if (argc > 0)
		return cli_usage(cli, "does not know what to do with '%s'", argv[0]);
	status = cli_ask(cli, method, &reply);
	return status != 0 ? status : query_take(query, reply);
}

int query_append_json(const struct query *query, struct buf *out)
{
	int broken = json_append(out, query->result);

	return broken < 0 ? broken : buf_append(out, "\n", 1);
}

bool query_has_pools(const msgpack_object *rows)
{
	static const char usual[] = "default";

	for (uint32_t i = 0; rows->type == MSGPACK_OBJECT_ARRAY && i < rows->via.array.size; i++) {
		const char *pool;
		size_t len = value_bytes(&rows->via.array.ptr[i], "pool", &pool);

		if (len > 0 && (len != strlen(usual) || memcmp(pool, usual, len) != 0))
			return true;
	}
	return false;
}

int query_finish(struct query *query, struct buf *out, int status)
{
	status = print_finish(out, status);
	query_fini(query);
	return status;
}

int query_run(struct cli *cli, const char *method, int argc, char **argv,
	int (*show)(struct buf *out, const msgpack_object *result))
{
	struct query query = {.reply = NULL};
	struct buf out = {0};
	int status = query_ask(&query, cli, method, argc, argv);

	if (status != 0)
		return status;
	status = cli->json ? query_append_json(&query, &out) : show(&out, query.result);
	return query_finish(&query, &out, status);
}
