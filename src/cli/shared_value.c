/* SPDX-License-Identifier: MIT */

/* `ruche value`: numbers in memory that programs share. */

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/number.h"
#include "cli/object.h"
#include "cli/print.h"
#include "cli/query.h"
#include "cli/value.h"

#define COUNT_MAX ((size_t)1 << 32)

struct create_options {
	enum ruche_type type; /* 0: int64 */
	size_t count;         /* 0: as many as there are values, at least one */
};

/* ---- one that is there */

/* What it is made of is for the daemon to say. */
static int look(
	const struct cli *cli, const char *name, enum ruche_type *ret_type, size_t *ret_count)
{
	struct ruche_reply *reply = NULL;
	struct query query;
	char *type;
	int status = object_answer(cli, name, ruche_object_status(cli->ruche, name, &reply));

	if (status == 0)
		status = query_take(&query, reply);
	if (status != 0)
		return status;
	type = value_text(query.result, "type", "");
	*ret_type = type != NULL ? ruche_type_from_name(type) : 0;
	*ret_count = (size_t)value_int(query.result, "count", 0);
	free(type);
	query_fini(&query);
	if (*ret_type != 0 && *ret_count > 0)
		return 0;
	log_error("%s: is no shared value", name);
	return STATUS_FAILED;
}

static int open_existing(struct cli *cli, const char *name, struct ruche_value **ret)
{
	static const struct ruche_object_options existing = {.existing = true};
	enum ruche_type type = 0;
	size_t count = 0;
	int status = cli_open(cli);

	if (status == 0)
		status = look(cli, name, &type, &count);
	if (status != 0)
		return status;
	return object_answer(
		cli, name, ruche_value_open(cli->ruche, ret, name, type, count, NULL, &existing));
}

/* `text` is NULL for the first. */
static int parse_index(
	const struct cli *cli, const struct ruche_value *value, const char *text, size_t *ret)
{
	*ret = 0;
	if (text == NULL || strcmp(text, "0") == 0)
		return 0;
	if (cli_number(text, COUNT_MAX, ret) < 0)
		return cli_usage(cli, "'%s' is no INDEX, which is a number from 0 on", text);
	if (*ret < ruche_value_count(value))
		return 0;
	log_error("there is no element %zu: the last of %zu is %zu", *ret, ruche_value_count(value),
		ruche_value_count(value) - 1);
	return STATUS_FAILED;
}

/* `text` is NULL if there is none. */
static int parse_number(const struct cli *cli, const struct ruche_value *value, const char *text,
	struct number *ret)
{
	enum ruche_type type = ruche_value_type(value);
	const char *wrong = text != NULL ? number_parse(type, text, ret) : NULL;

	if (wrong == NULL)
		return 0;
	return cli_usage(cli, "'%s' %s (%s)", text, wrong, ruche_type_name(type));
}

static int print_number(const struct ruche_value *value, const struct number *number)
{
	struct buf out = {0};
	int broken = number_append(&out, ruche_value_type(value), number);

	if (broken == 0)
		broken = buf_append(&out, "\n", 1);
	return print_finish(&out, broken);
}

/* What get, set and add have in common; those that take no number have NULL for `number_text`. */
static int with_element(struct cli *cli, const char *name, const char *number_text,
	const char *index_text,
	int (*act)(struct ruche_value *value, size_t index, const struct number *number))
{
	struct ruche_value *value = NULL;
	struct number number = {0};
	size_t index = 0;
	int status = open_existing(cli, name, &value);

	if (status == 0)
		status = parse_number(cli, value, number_text, &number);
	if (status == 0)
		status = parse_index(cli, value, index_text, &index);
	if (status == 0)
		status = act(value, index, &number);
	ruche_value_close(value);
	return status;
}

/* ---- get */

static int get(struct ruche_value *value, size_t index, const struct number *number)
{
	struct number is;

	(void)number;
	number_get(value, index, &is);
	return print_number(value, &is);
}

static int run_get(struct cli *cli, int argc, char **argv)
{
	int status = object_operands(cli, argc, 1, 2, "NAME [INDEX]");

	if (status != 0)
		return status;
	return with_element(cli, argv[0], NULL, argc > 1 ? argv[1] : NULL, get);
}

static const struct cli_command get_command = {
	.name = "value get",
	.usage = "[OPTION]... NAME [INDEX]",
	.summary = "print one element",
	.text = "The first one, 0, unless INDEX says which.",
	.examples = "ruche value get counter",
	.shared = true,
	.names = 1,
	.run = run_get,
};

/* ---- set */

static int set(struct ruche_value *value, size_t index, const struct number *number)
{
	number_set(value, index, number);
	return 0;
}

static int run_set(struct cli *cli, int argc, char **argv)
{
	int status = object_operands(cli, argc, 2, 3, "NAME VALUE [INDEX]");

	if (status != 0)
		return status;
	return with_element(cli, argv[0], argv[1], argc > 2 ? argv[2] : NULL, set);
}

static const struct cli_command set_command = {
	.name = "value set",
	.usage = "[OPTION]... NAME VALUE [INDEX]",
	.summary = "set one element",
	.text = "In one step, without taking the lock that is in the value.",
	.examples = "ruche value set counter 100",
	.shared = true,
	.names = 1,
	.run = run_set,
};

/* ---- add */

static int add(struct ruche_value *value, size_t index, const struct number *number)
{
	struct number is;

	number_add(value, index, number, &is);
	return print_number(value, &is);
}

static int run_add(struct cli *cli, int argc, char **argv)
{
	int status = object_operands(cli, argc, 2, 3, "NAME N [INDEX]");

	if (status != 0)
		return status;
	return with_element(cli, argv[0], argv[1], argc > 2 ? argv[2] : NULL, add);
}

static const struct cli_command add_command = {
	.name = "value add",
	.usage = "[OPTION]... NAME N [INDEX]",
	.summary = "add N to one element and print what it is then",
	.text = "In one step: what others add at the same time is not lost.  Integers wrap around.",
	.examples = "ruche value add counter 1",
	.shared = true,
	.names = 1,
	.run = run_add,
};

/* ---- dump */

static int append_all(struct buf *out, const struct cli *cli, const struct ruche_value *value)
{
	const char *between = cli->json ? ", " : "\n";
	int broken = cli->json ? buf_append(out, "[", 1) : 0;

	for (size_t i = 0; broken == 0 && i < ruche_value_count(value); i++) {
		struct number number;

		number_get(value, i, &number);
		broken = i > 0 ? buf_append(out, between, strlen(between)) : 0;
		if (broken == 0)
			broken = number_append(out, ruche_value_type(value), &number);
	}
	return broken == 0 ? cli_append(out, cli->json ? "]\n" : "\n") : broken;
}

static int run_dump(struct cli *cli, int argc, char **argv)
{
	struct ruche_value *value = NULL;
	struct buf out = {0};
	int status = object_operands(cli, argc, 1, 1, "the NAME of a value");

	if (status == 0)
		status = open_existing(cli, argv[0], &value);
	if (status == 0)
		status = print_finish(&out, append_all(&out, cli, value));
	ruche_value_close(value);
	return status;
}

static const struct cli_command dump_command = {
	.name = "value dump",
	.usage = "[OPTION]... NAME",
	.summary = "print all elements, one a line",
	.text = "With --json, as one array.",
	.examples = "ruche value dump counter",
	.shared = true,
	.names = 1,
	.run = run_dump,
};

/* ---- create */

static const char *set_type(struct cli *cli, const char *value)
{
	struct create_options *own = cli->own;

	own->type = ruche_type_from_name(value);
	if (own->type == 0)
		return "must be one of int8, uint8, int16, uint16, int32, uint32, int64, uint64,"
		       " float and double";
	return NULL;
}

static const char *set_count(struct cli *cli, const char *value)
{
	struct create_options *own = cli->own;

	if (cli_number(value, COUNT_MAX, &own->count) < 0)
		return "must be a number of elements, at least 1";
	return NULL;
}

static const struct cli_option create_options[] = {
	{"type", "TYPE", "int8 to int64, uint8 to uint64, float or double (default int64)",
		set_type, 0},
	{"count", "N", "so many elements (default: as many as there are VALUEs, or 1)", set_count,
		0},
	{0},
};

/* 0, and zeroed memory with the values at its front, for the caller to free; or an exit status. */
static int read_elements(const struct cli *cli, size_t given, char **argv, void **ret)
{
	const struct create_options *own = cli->own;
	size_t size = ruche_type_size(own->type);
	uint8_t *elements = calloc(own->count, size);
	struct number number;

	if (elements == NULL)
		return cli_no_memory();
	*ret = elements;
	for (size_t i = 0; i < given; i++) {
		const char *wrong = number_parse(own->type, argv[i], &number);

		if (wrong != NULL && strncmp(argv[i], "--", 2) == 0)
			return cli_usage(
				cli, "'%s': options stand before the first VALUE", argv[i]);
		if (wrong != NULL)
			return cli_usage(cli, "'%s' %s", argv[i], wrong);
		number_store(own->type, &number, elements + i * size);
	}
	return 0;
}

static int create(struct cli *cli, const char *name, const void *elements)
{
	static const struct ruche_object_options made = {.persistent = true, .exclusive = true};
	const struct create_options *own = cli->own;
	struct ruche_value *value = NULL;
	int status = cli_open(cli);

	if (status == 0)
		status = object_answer(cli, name,
			ruche_value_open(
				cli->ruche, &value, name, own->type, own->count, elements, &made));
	ruche_value_close(value);
	return status;
}

static int run_create(struct cli *cli, int argc, char **argv)
{
	struct create_options *own = cli->own;
	size_t given = argc > 0 ? (size_t)argc - 1 : 0;
	void *elements = NULL;
	int status = 0;

	if (argc == 0)
		return cli_usage(cli, "takes NAME [VALUE]...");
	if (own->type == 0)
		own->type = RUCHE_INT64;
	if (own->count == 0)
		own->count = given > 0 ? given : 1;
	if (given > own->count)
		return cli_usage(cli, "%zu values for %zu elements", given, own->count);
	if (given > 0)
		status = read_elements(cli, given, argv + 1, &elements);
	if (status == 0)
		status = create(cli, argv[0], elements);
	free(elements);
	return status;
}

static const struct cli_command create_command = {
	.name = "value create",
	.usage = "[OPTION]... NAME [VALUE]...",
	.summary = "make a new one",
	.text = "Elements without a VALUE are 0.  It stays until `ruche objects remove NAME`; if "
		"there "
		"is\n"
		"something of this name already, the exit status is 1.",
	.examples = "ruche value create counter\n"
		    "ruche value create --type double --count 1000 samples\n"
		    "ruche value create --type uint8 rgb 255 128 0",
	.options = create_options,
	.own_size = sizeof(struct create_options),
	.shared = true,
	.names = 1,
	.run = run_create,
};

static const struct cli_alias subs[] = {
	{"create", &create_command, NULL, NULL},
	{"get", &get_command, NULL, NULL},
	{"set", &set_command, NULL, NULL},
	{"add", &add_command, NULL, NULL},
	{"dump", &dump_command, NULL, NULL},
	{NULL, NULL, NULL, NULL},
};

const struct cli_command value_command = {
	.name = "value",
	.summary = "count, or keep numbers, in memory that programs share",
	.text = "A value is one number or an array of them.  Every program that opens it has it in "
		"its\n"
		"own memory: the daemon has no part in what is read and written there.",
	.examples = "ruche value create counter\n"
		    "ruche value add counter 1",
	.subs = subs,
};
