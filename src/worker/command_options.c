/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "wire/link.h"
#include "worker/command.h"
#include "worker/task.h"

#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

static void *allocate(struct ruche_task *task, size_t size)
{
	void *p = msgpack_zone_malloc(&task->zone, size);

	if (p == NULL)
		task_fail(task, RUCHE_FAILED, RUCHE_EXECUTED_NO, "ruche.run: no memory");
	return p;
}

/* The bytes of a str or bin. */
static bool get_bytes(const msgpack_object *object, const char **ret, size_t *ret_len)
{
	if (object->type != MSGPACK_OBJECT_STR && object->type != MSGPACK_OBJECT_BIN)
		return false;
	*ret = object->type == MSGPACK_OBJECT_STR ? object->via.str.ptr : object->via.bin.ptr;
	*ret_len = object->type == MSGPACK_OBJECT_STR ? object->via.str.size : object->via.bin.size;
	if (*ret_len == 0)
		*ret = ""; /* msgpack-c may have NULL here */
	return true;
}

/* A NUL-terminated copy of a str or bin that has no NUL itself; NULL with the answer set. */
static char *copy_string(struct ruche_task *task, const msgpack_object *object, const char *what)
{
	const char *bytes;
	size_t len;
	char *copy;

	if (!get_bytes(object, &bytes, &len) || memchr(bytes, '\0', len) != NULL) {
		ruche_refuse(task, "ruche.run: %s must be a string without NUL", what);
		return NULL;
	}
	copy = allocate(task, len + 1);
	if (copy != NULL) {
		memcpy(copy, bytes, len);
		copy[len] = '\0';
	}
	return copy;
}

static int read_argv(struct ruche_task *task, struct command *command)
{
	const msgpack_object *argv = ruche_arg(task, 0);
	size_t count;

	if (argv->type != MSGPACK_OBJECT_ARRAY || argv->via.array.size == 0)
		return ruche_refuse(task, "ruche.run: argv must be an array that is not empty");
	count = argv->via.array.size;
	command->argv = allocate(task, (count + 1) * sizeof(char *));
	if (command->argv == NULL)
		return -1;
	for (size_t i = 0; i < count; i++) {
		command->argv[i] =
			copy_string(task, &argv->via.array.ptr[i], "each element of argv");
		if (command->argv[i] == NULL)
			return -1;
	}
	command->argv[count] = NULL;
	return 0;
}

/* ---- options */

static int read_bool(
	struct ruche_task *task, const msgpack_object *value, const char *option, bool *ret)
{
	if (value->type != MSGPACK_OBJECT_BOOLEAN)
		return ruche_refuse(task, "ruche.run: %s must be a boolean", option);
	*ret = value->via.boolean;
	return 0;
}

static int set_stream(struct ruche_task *task, struct command *command, const msgpack_object *value)
{
	return read_bool(task, value, "stream", &command->stream);
}

static int set_stream_input(
	struct ruche_task *task, struct command *command, const msgpack_object *value)
{
	return read_bool(task, value, "stream_input", &command->stream_input);
}

static int set_stdin(struct ruche_task *task, struct command *command, const msgpack_object *value)
{
	if (!get_bytes(value, &command->input, &command->input_len))
		return ruche_refuse(task, "ruche.run: stdin must be a string or binary");
	return 0;
}

static int set_cwd(struct ruche_task *task, struct command *command, const msgpack_object *value)
{
	command->cwd = copy_string(task, value, "cwd");
	return command->cwd == NULL ? -1 : 0;
}

/* NAME=VALUE; NULL with the answer set. */
static char *join_variable(struct ruche_task *task, const msgpack_object_kv *kv)
{
	const char *name = copy_string(task, &kv->key, "each name in env");
	const char *value = name == NULL ? NULL : copy_string(task, &kv->val, "each value in env");
	char *joined;

	if (value == NULL)
		return NULL;
	if (name[0] == '\0' || strchr(name, '=') != NULL) {
		ruche_refuse(task, "ruche.run: a name in env is empty or has a '='");
		return NULL;
	}
	joined = allocate(task, strlen(name) + strlen(value) + 2);
	if (joined != NULL)
		stpcpy(stpcpy(stpcpy(joined, name), "="), value);
	return joined;
}

/* Ours to say in any environment: where a nested call goes to, and whose it is. */
static const char *const own_names[] = {WORKER_SOCKET_ENV, WORKER_TOKEN_ENV};

enum { OWN_NAMES = sizeof(own_names) / sizeof(*own_names) };

static bool variable_is(const char *variable, const char *name)
{
	size_t len = strlen(name);

	return strncmp(variable, name, len) == 0 && variable[len] == '=';
}

/* NAME=VALUE as it stands in there; NULL: it does not. */
static char *find_variable(char **envp, const char *name)
{
	for (; *envp != NULL; envp++)
		if (variable_is(*envp, name))
			return *envp;
	return NULL;
}

static bool is_own(const char *variable)
{
	for (size_t i = 0; i < OWN_NAMES; i++)
		if (variable_is(variable, own_names[i]))
			return true;
	return false;
}

static int set_env(struct ruche_task *task, struct command *command, const msgpack_object *value)
{
	size_t count = 0;

	if (value->type != MSGPACK_OBJECT_MAP)
		return ruche_refuse(task, "ruche.run: env must be a map of names to values");
	command->envp = allocate(task, (value->via.map.size + OWN_NAMES + 1) * sizeof(char *));
	if (command->envp == NULL)
		return -1;
	for (size_t i = 0; i < value->via.map.size; i++) {
		char *variable = join_variable(task, &value->via.map.ptr[i]);

		if (variable == NULL)
			return -1;
		if (!is_own(variable))
			command->envp[count++] = variable;
	}
	for (size_t i = 0; i < OWN_NAMES; i++) {
		command->envp[count] = find_variable(environ, own_names[i]);
		count += command->envp[count] != NULL;
	}
	command->envp[count] = NULL;
	return 0;
}

static const struct option {
	const char *name;
	int (*set)(struct ruche_task *task, struct command *command, const msgpack_object *value);
} options[] = {
	{"stdin", set_stdin},
	{"cwd", set_cwd},
	{"env", set_env},
	{"stream", set_stream},
	{"stream_input", set_stream_input},
};

static int set_option(struct ruche_task *task, struct command *command, const msgpack_object_kv *kv)
{
	const char *name = "";
	size_t len = 0;

	(void)get_bytes(&kv->key, &name, &len);
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		if (strlen(options[i].name) == len && memcmp(options[i].name, name, len) == 0)
			return options[i].set(task, command, &kv->val);
	return ruche_refuse(task,
		"ruche.run: unknown option \"%.*s\"; known are stdin, cwd, env, stream and "
		"stream_input",
		(int)(len < 64 ? len : 64), name);
}

static int read_options(struct ruche_task *task, struct command *command)
{
	const msgpack_object *map = ruche_arg(task, 1);

	if (map == NULL)
		return 0;
	if (map->type != MSGPACK_OBJECT_MAP)
		return ruche_refuse(task, "ruche.run: the options must be a map");
	for (size_t i = 0; i < map->via.map.size; i++)
		if (set_option(task, command, &map->via.map.ptr[i]) < 0)
			return -1;
	if (command->input != NULL && command->stream_input)
		return ruche_refuse(task, "ruche.run: give stdin or stream_input, not both");
	if (task->is_item && (command->stream || command->stream_input))
		return ruche_refuse(task, "ruche.run: a command in a chunk cannot stream");
	return 0;
}

/* ---- what argv[0] means */

static const char *command_path(const struct command *command)
{
	const char *variable = find_variable(command->envp, "PATH");

	return variable != NULL ? variable + strlen("PATH=") : DEFAULT_PATH;
}

static size_t count_colons(const char *path)
{
	size_t n = 0;

	for (; *path != '\0'; path++)
		n += *path == ':';
	return n;
}

/* An empty element of PATH is the current directory. */
static char *join_path(struct ruche_task *task, const char *dir, size_t len, const char *file)
{
	char *joined = allocate(task, len + strlen(file) + 2);
	char *at = joined;

	if (joined == NULL)
		return NULL;
	memcpy(at, dir, len);
	at += len;
	if (len > 0)
		*at++ = '/';
	strcpy(at, file);
	return joined;
}

static int find_files(struct ruche_task *task, struct command *command)
{
	char *name = command->argv[0];
	const char *path = strchr(name, '/') != NULL ? "" : command_path(command);
	size_t count = 0;

	command->files = allocate(task, (count_colons(path) + 2) * sizeof(char *));
	if (command->files == NULL)
		return -1;
	while (name[0] != '\0') {
		size_t len = strcspn(path, ":");

		command->files[count] = join_path(task, path, len, name);
		if (command->files[count++] == NULL)
			return -1;
		if (path[len] == '\0')
			break;
		path += len + 1;
	}
	command->files[count] = NULL;
	return 0;
}

int command_read(struct ruche_task *task, struct command *ret)
{
	*ret = (struct command){.envp = environ, .cwd = "/"};
	if (read_argv(task, ret) < 0 || read_options(task, ret) < 0)
		return -1;
	return find_files(task, ret);
}
