/* SPDX-License-Identifier: MIT */
#include "cli/job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ruche/ruche.h>

#include "base/fd.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/value.h"

/* ---- functions */

static int pack_array_head(msgpack_sbuffer *out, size_t count)
{
	msgpack_packer pk;

	msgpack_packer_init(&pk, out, msgpack_sbuffer_write);
	return msgpack_pack_array(&pk, count) < 0 ? -ENOMEM : 0;
}

/* How many values an array has that jansson made, and the bytes of its head; -1: it is none. */
static int64_t read_array_head(const msgpack_sbuffer *value, size_t *ret_head)
{
	const uint8_t *at = (const uint8_t *)value->data;

	if ((at[0] & 0xf0) == 0x90) {
		*ret_head = 1;
		return at[0] & 0x0f;
	}
	*ret_head = at[0] == 0xdc ? 3 : 5;
	if (at[0] == 0xdc)
		return at[1] << 8 | at[2];
	if (at[0] == 0xdd)
		return (int64_t)at[1] << 24 | at[2] << 16 | at[3] << 8 | at[4];
	return -1;
}

/* The fixed arguments and those of the line as one array. */
static int join_args(struct job *job, const char **ret_why)
{
	size_t head = 0;
	int64_t count = job->star ? read_array_head(&job->value, &head) : 1;

	if (count < 0) {
		*ret_why = "not a JSON array of the arguments";
		return 0;
	}
	msgpack_sbuffer_clear(&job->packed);
	if (pack_array_head(&job->packed, job->fixed + (size_t)count) < 0 ||
		msgpack_sbuffer_write(&job->packed, job->first.data, job->first.size) < 0 ||
		msgpack_sbuffer_write(
			&job->packed, job->value.data + head, job->value.size - head) < 0)
		return -ENOMEM;
	return 1;
}

bool job_has_arrays(const struct job *job)
{
	return job->star || job->fixed > 0;
}

int job_pack(struct job *job, const char *line, size_t len, const void **ret, size_t *ret_len,
	const char **ret_why)
{
	const msgpack_sbuffer *packed = job_has_arrays(job) ? &job->packed : &job->value;
	msgpack_packer pk;
	int status;

	msgpack_sbuffer_clear(&job->value);
	msgpack_packer_init(&pk, &job->value, msgpack_sbuffer_write);
	status = json_arg_pack(&pk, line, len, ret_why);
	if (status < 0)
		return status == -EINVAL ? 0 : status;
	if (job_has_arrays(job))
		status = join_args(job, ret_why);
	else
		status = 1;
	*ret = packed->data;
	*ret_len = packed->size;
	return status;
}

static int show_value(struct output *out, const struct ruche_reply *reply)
{
	struct buf text = {0};
	const void *data;
	size_t len;
	int broken = ruche_reply_packed(reply, &data, &len);

	if (broken == 0)
		broken = json_append_plain(&text, data, len);
	if (broken == 0)
		broken = buf_append(&text, "\n", 1);
	if (broken == 0)
		broken = output_add(out, buf_data(&text), buf_len(&text));
	buf_fini(&text);
	return broken;
}

int job_init_function(struct job *job, const struct cli *cli, int argc, char **argv, bool star)
{
	*job = (struct job){
		.window = 16384,
		.function = argv[0],
		.star = star,
		.fixed = (uint32_t)argc - 1,
	};
	msgpack_sbuffer_init(&job->first);
	msgpack_sbuffer_init(&job->value);
	msgpack_sbuffer_init(&job->packed);
	return args_pack(cli, &job->first, argc - 1, argv + 1);
}

/* ---- commands */

static const char place[] = "{}";

/* `pattern` with every {} replaced by the line, as a new string; NULL: no memory. */
static char *fill_in(const char *pattern, const char *line, size_t len)
{
	struct buf text = {0};
	const char *at;
	char *filled = NULL;
	int broken = 0;

	while (broken == 0 && (at = strstr(pattern, place)) != NULL) {
		broken = buf_append(&text, pattern, (size_t)(at - pattern));
		if (broken == 0)
			broken = buf_append(&text, line, len);
		pattern = at + strlen(place);
	}
	if (broken == 0 && buf_append(&text, pattern, strlen(pattern) + 1) == 0)
		filled = strdup((const char *)buf_data(&text));
	buf_fini(&text);
	return filled;
}

static void free_argv(char **argv)
{
	for (char **at = argv; at != NULL && *at != NULL; at++)
		free(*at);
	free(argv);
}

/* To be ended by free_argv(); NULL: no memory. */
static char **build_argv(const struct job *job, const char *line, size_t len)
{
	size_t count = 0, i;
	char **argv;

	while (job->argv[count] != NULL)
		count++;
	argv = calloc(count + 2, sizeof(*argv));
	if (argv == NULL)
		return NULL;
	for (i = 0; i < count; i++)
		if ((argv[i] = fill_in(job->argv[i], line, len)) == NULL)
			break;
	if (i == count && !job->has_place)
		argv[i] = strndup(line, len);
	if (i == count && (job->has_place || argv[i] != NULL))
		return argv;
	free_argv(argv);
	return NULL;
}

static int start_argv(
	struct job *job, const struct cli *cli, char **argv, uint32_t *ret_id, const char **ret_why)
{
	int status;

	job->command.request.argv = (const char *const *)argv;
	status = ruche_apply_command(cli->ruche, ret_id, &cli->call, &job->command.request);
	if (status == -EMSGSIZE)
		*ret_why = "too large for one call";
	return status == 0 ? 1 : status == -EMSGSIZE ? 0 : status;
}

int job_start(struct job *job, const struct cli *cli, const char *line, size_t len,
	uint32_t *ret_id, const char **ret_why)
{
	char **argv;
	int status;

	if (memchr(line, '\0', len) != NULL) {
		*ret_why = "a NUL character cannot be part of a command's argument";
		return 0;
	}
	argv = build_argv(job, line, len);
	if (argv == NULL)
		return -ENOMEM;
	status = start_argv(job, cli, argv, ret_id, ret_why);
	free_argv(argv);
	return status;
}

static int show_output(struct output *out, const struct ruche_reply *reply)
{
	msgpack_unpacked unpacked;
	const char *data;
	size_t len;
	int broken = value_unpack(reply, &unpacked);

	if (broken < 0)
		return broken;
	len = value_bytes(&unpacked.data, "stdout", &data);
	broken = output_add(out, data, len);
	len = value_bytes(&unpacked.data, "stderr", &data);
	if (len > 0) {
		output_flush(out); /* where both are one terminal, as it came */
		(void)fd_write_all(STDERR_FILENO, data, len);
	}
	msgpack_unpacked_destroy(&unpacked);
	return broken;
}

int job_init_command(struct job *job, const struct cli *cli, int argc, char **argv)
{
	*job = (struct job){.window = 64, .argv = argv};
	msgpack_sbuffer_init(&job->first);
	msgpack_sbuffer_init(&job->value);
	msgpack_sbuffer_init(&job->packed);
	for (int i = 0; i < argc; i++)
		job->has_place |= strstr(argv[i], place) != NULL;
	return command_init(&job->command, cli, argv);
}

/* ---- both */

void job_fini(struct job *job)
{
	msgpack_sbuffer_destroy(&job->first);
	msgpack_sbuffer_destroy(&job->value);
	msgpack_sbuffer_destroy(&job->packed);
	command_fini(&job->command);
	*job = (struct job){0};
}

int job_show(const struct job *job, struct output *out, const struct ruche_reply *reply,
	char why[COMMAND_WHY_MAX])
{
	int broken;

	if (job->function != NULL)
		return show_value(out, reply);
	broken = show_output(out, reply);
	return broken < 0 ? broken : command_judge(reply, why);
}

int job_show_json(const struct job *job, struct buf *out, const struct ruche_reply *reply,
	char why[COMMAND_WHY_MAX])
{
	const void *data;
	size_t len;
	int broken = ruche_reply_packed(reply, &data, &len);

	if (broken == 0)
		broken = json_append_packed(out, data, len);
	if (broken < 0 || job->function != NULL)
		return broken;
	return command_judge(reply, why);
}
