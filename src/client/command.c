/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <ruche/ruche.h>
#include <string.h>

#include "client/apply.h"
#include "wire/message.h"

static int pack_argv(msgpack_packer *pk, const char *const *argv)
{
	size_t count = 0;
	int r;

	while (argv[count] != NULL)
		count++;
	r = msgpack_pack_array(pk, count);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = message_pack_str(pk, argv[i]);
	return r;
}

static int pack_variable(msgpack_packer *pk, const char *variable)
{
	const char *equals = strchr(variable, '=');
	int r;

	if (equals == NULL || equals == variable)
		return -EINVAL;
	r = msgpack_pack_str_with_body(pk, variable, (size_t)(equals - variable));
	return r == 0 ? message_pack_str(pk, equals + 1) : r;
}

static int pack_env(msgpack_packer *pk, const char *const *env)
{
	size_t count = 0;
	int r;

	while (env[count] != NULL)
		count++;
	r = msgpack_pack_map(pk, count);
	for (size_t i = 0; r == 0 && i < count; i++)
		r = pack_variable(pk, env[i]);
	return r;
}

/* ---- options: each is packed only if it was asked for */

static bool has_cwd(const struct ruche_command *command)
{
	return command->cwd != NULL;
}

static int pack_cwd(msgpack_packer *pk, const struct ruche_command *command)
{
	return message_pack_str(pk, command->cwd);
}

static bool has_env(const struct ruche_command *command)
{
	return command->env != NULL;
}

static int pack_command_env(msgpack_packer *pk, const struct ruche_command *command)
{
	return pack_env(pk, command->env);
}

static bool has_input(const struct ruche_command *command)
{
	return command->input_len > 0;
}

static int pack_input(msgpack_packer *pk, const struct ruche_command *command)
{
	return message_pack_bin(pk, command->input, command->input_len);
}

static bool has_stream(const struct ruche_command *command)
{
	return command->stream;
}

static bool has_stream_input(const struct ruche_command *command)
{
	return command->stream_input;
}

static int pack_true(msgpack_packer *pk, const struct ruche_command *command)
{
	(void)command;
	return msgpack_pack_true(pk);
}

static const struct option {
	const char *key;
	bool (*is_set)(const struct ruche_command *command);
	int (*pack)(msgpack_packer *pk, const struct ruche_command *command);
} table[] = {
	{"cwd", has_cwd, pack_cwd},
	{"env", has_env, pack_command_env},
	{"stdin", has_input, pack_input},
	{"stream", has_stream, pack_true},
	{"stream_input", has_stream_input, pack_true},
};

enum { OPTION_COUNT = sizeof(table) / sizeof(table[0]) };

static int pack_options(msgpack_packer *pk, const struct ruche_command *command)
{
	size_t count = 0;
	int r;

	for (size_t i = 0; i < OPTION_COUNT; i++)
		count += table[i].is_set(command);
	r = msgpack_pack_map(pk, count);
	for (size_t i = 0; r == 0 && i < OPTION_COUNT; i++) {
		if (!table[i].is_set(command))
			continue;
		r = message_pack_str(pk, table[i].key);
		if (r == 0)
			r = table[i].pack(pk, command);
	}
	return r;
}

static int pack_params(msgpack_packer *pk, const struct ruche_command *command)
{
	int r = msgpack_pack_array(pk, 2);

	if (r == 0)
		r = pack_argv(pk, command->argv);
	return r == 0 ? pack_options(pk, command) : r;
}

int apply_command(struct ruche *ruche, uint32_t *ret_id, const struct apply *apply,
	const struct ruche_command *command)
{
	struct request request;
	int r;

	if (ruche == NULL || ret_id == NULL || command == NULL || command->argv == NULL)
		return -EINVAL;
	if (command->argv[0] == NULL || (command->input == NULL && command->input_len > 0))
		return -EINVAL;
	r = apply_begin(&request, ruche, apply);
	if (r < 0)
		return r;
	r = apply_end(&request, apply, pack_params(&request.pk, command));
	if (r == 0)
		*ret_id = request.id;
	return r;
}

int ruche_submit_command(struct ruche *ruche, uint32_t *ret_id, const struct ruche_command *command)
{
	return ruche_apply_command(ruche, ret_id, NULL, command);
}

int ruche_apply_command(struct ruche *ruche, uint32_t *ret_id, const struct ruche_options *options,
	const struct ruche_command *command)
{
	const struct apply apply = {.function = APPLY_COMMAND, .options = options};

	return apply_command(ruche, ret_id, &apply, command);
}
