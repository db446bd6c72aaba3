/* SPDX-License-Identifier: MIT */
#include "cli/task.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ruche/ruche.h>

#include "base/fd.h"
#include "cli/cli.h"
#include "cli/value.h"

#define TASK_MAX (((size_t)1 << 53) - 1)

int task_parse(const struct cli *cli, const char *text, uint64_t *ret)
{
	size_t id;

	if (cli_number(text, TASK_MAX, &id) < 0)
		return cli_usage(cli, "'%s' is no id of a task, as `ruche submit` prints it", text);
	*ret = id;
	return 0;
}

int task_parse_all(const struct cli *cli, int argc, char *const *argv, uint64_t **ret)
{
	uint64_t *ids = NULL;
	int status = 0;

	if (argc == 0)
		return cli_usage(cli, "which ID?");
	ids = calloc((size_t)argc, sizeof(*ids));
	if (ids == NULL)
		return cli_no_memory();
	for (int i = 0; status == 0 && i < argc; i++)
		status = task_parse(cli, argv[i], &ids[i]);
	if (status == 0)
		*ret = ids;
	else
		free(ids);
	return status;
}

bool task_is_about_one(int status)
{
	return status == 0 || status == STATUS_FAILED || status == STATUS_DENIED;
}

int task_for_each(struct cli *cli, int argc, char *const *argv,
	int (*each)(struct cli *cli, uint64_t id, bool is_first))
{
	uint64_t *ids = NULL;
	int status = task_parse_all(cli, argc, argv, &ids), last;

	if (ids == NULL)
		return status;
	status = cli_open(cli);
	for (int i = 0; i < argc && task_is_about_one(status); i++) {
		last = each(cli, ids[i], i == 0);
		status = last != 0 ? last : status;
	}
	free(ids);
	return status;
}

const char *task_name(char name[TASK_NAME_MAX], uint64_t id)
{
	snprintf(name, TASK_NAME_MAX, "task %" PRIu64, id);
	return name;
}

int task_look(struct query *query, const struct cli *cli, uint64_t id)
{
	struct ruche_reply *reply = NULL;
	char name[TASK_NAME_MAX];
	int status = ruche_task_status(cli->ruche, id, &reply);

	status = cli_answer(cli, task_name(name, id), status, reply);
	return status != 0 ? status : query_take(query, reply);
}

static bool is_text(const msgpack_object *task, const char *key, const char *text)
{
	const char *data;
	size_t len = value_bytes(task, key, &data);

	return len == strlen(text) && memcmp(data, text, len) == 0;
}

bool task_is_command(const msgpack_object *task)
{
	return is_text(task, "function", "ruche.run");
}

bool task_is_success(const msgpack_object *task)
{
	return is_text(task, "code", "ok");
}

/* A callback cannot fail: when nobody reads, there is nothing left to do. */
static void on_output(void *user, int stream, const void *data, size_t len)
{
	int broken = fd_write_all(stream == 2 ? STDERR_FILENO : STDOUT_FILENO, data, len);

	(void)user;
	if (broken < 0 && stream != 2)
		exit(cli_output_broken(broken));
}

int task_write_log(const struct cli *cli, uint64_t id, bool follow)
{
	struct ruche_reply *reply = NULL;
	char name[TASK_NAME_MAX];
	int status = ruche_task_log(cli->ruche, id, follow, on_output, NULL, &reply);

	status = cli_answer(cli, task_name(name, id), status, reply);
	if (status == 0)
		ruche_reply_free(reply);
	return status;
}
