/* SPDX-License-Identifier: MIT */
#include "cli/job.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ruche/ruche.h>

#include "base/fd.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "cli/environment.h"
#include "cli/failure.h"
#include "cli/here.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/value.h"

struct job_kind {
	int (*start)(struct job *job, const struct cli *cli, const char *line, size_t len,
		uint32_t *ret_id, const char **ret_why);
	int (*show)(struct output *out, const struct ruche_reply *reply);
	int (*judge)(const struct ruche_reply *reply, char why[JOB_WHY_MAX]);
};

/* ---- functions */

static int function_start(struct job *job, const struct cli *cli, const char *line, size_t len,
	uint32_t *ret_id, const char **ret_why)
{
	size_t fixed = job->args.size;
	msgpack_packer pk;
	int status;

	msgpack_packer_init(&pk, &job->args, msgpack_sbuffer_write);
	status = json_arg_pack(&pk, line, len, ret_why);
	if (status == 0)
		status = ruche_submit_packed(
			cli->ruche, ret_id, job->function, job->args.data, job->args.size);
	else if (status == -EINVAL)
		status = 1;
	job->args.size = fixed;
	return status;
}

static int function_show(struct output *out, const struct ruche_reply *reply)
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

static int function_judge(const struct ruche_reply *reply, char why[JOB_WHY_MAX])
{
	(void)reply;
	(void)why;
	return 0;
}

static const struct job_kind function_kind = {function_start, function_show, function_judge};

int job_init_function(struct job *job, const struct cli *cli, int argc, char **argv)
{
	*job = (struct job){.kind = &function_kind, .window = 1024, .function = argv[0]};
	msgpack_sbuffer_init(&job->args);
	return args_pack_array(cli, &job->args, argc - 1, argv + 1, 1);
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

static int command_start(struct job *job, const struct cli *cli, const char *line, size_t len,
	uint32_t *ret_id, const char **ret_why)
{
	struct ruche_command command = {.cwd = job->cwd, .env = job->env};
	char **argv;
	int status;

	if (memchr(line, '\0', len) != NULL) {
		*ret_why = "a NUL character cannot be part of a command's argument";
		return 1;
	}
	argv = build_argv(job, line, len);
	if (argv == NULL)
		return -ENOMEM;
	command.argv = (const char *const *)argv;
	status = ruche_submit_command(cli->ruche, ret_id, &command);
	free_argv(argv);
	return status;
}

static int command_show(struct output *out, const struct ruche_reply *reply)
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

static int command_judge(const struct ruche_reply *reply, char why[JOB_WHY_MAX])
{
	msgpack_unpacked unpacked;
	const msgpack_object *truncated;
	char text[SIGNAL_TEXT_MAX];
	int signal, status;

	if (value_unpack(reply, &unpacked) < 0)
		return -EPROTO;
	signal = (int)value_int(&unpacked.data, "signal", 0);
	status = (int)value_int(&unpacked.data, "exit_status", 0);
	truncated = value_get(&unpacked.data, "truncated");
	*why = '\0';
	if (signal != 0)
		snprintf(why, JOB_WHY_MAX, "killed by %s", failure_signal(text, signal));
	else if (status != 0)
		snprintf(why, JOB_WHY_MAX, "exit status %d", status);
	else if (truncated != NULL && truncated->type == MSGPACK_OBJECT_BOOLEAN &&
		 truncated->via.boolean)
		snprintf(why, JOB_WHY_MAX, "its output was too long, and was cut");
	msgpack_unpacked_destroy(&unpacked);
	return *why != '\0';
}

static const struct job_kind command_kind = {command_start, command_show, command_judge};

int job_init_command(struct job *job, const struct cli *cli, int argc, char **argv)
{
	(void)cli;
	*job = (struct job){.kind = &command_kind, .window = 64, .argv = argv};
	msgpack_sbuffer_init(&job->args);
	for (int i = 0; i < argc; i++)
		job->has_place |= strstr(argv[i], place) != NULL;
	job->env = environment_build(false, NULL, 0);
	if (job->env == NULL)
		return cli_no_memory();
	job->cwd = here_path(NULL);
	return job->cwd == NULL ? STATUS_NOT_STARTED : 0;
}

/* ---- both */

void job_fini(struct job *job)
{
	msgpack_sbuffer_destroy(&job->args);
	free(job->cwd);
	free(job->env);
	*job = (struct job){0};
}

int job_start(struct job *job, const struct cli *cli, const char *line, size_t len,
	uint32_t *ret_id, const char **ret_why)
{
	int status = job->kind->start(job, cli, line, len, ret_id, ret_why);

	if (status != -EMSGSIZE)
		return status;
	*ret_why = "too large for one call";
	return 1;
}

int job_show(const struct job *job, struct output *out, const struct ruche_reply *reply,
	char why[JOB_WHY_MAX])
{
	int broken = job->kind->show(out, reply);

	return broken < 0 ? broken : job->kind->judge(reply, why);
}

int job_show_json(const struct job *job, struct buf *out, const struct ruche_reply *reply,
	char why[JOB_WHY_MAX])
{
	const void *data;
	size_t len;
	int broken = ruche_reply_packed(reply, &data, &len);

	if (broken == 0)
		broken = json_append_packed(out, data, len);
	return broken < 0 ? broken : job->kind->judge(reply, why);
}
