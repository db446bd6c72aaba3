/* SPDX-License-Identifier: MIT */
#include "client/options.h"

#include <stdlib.h>
#include <string.h>

#include "wire/message.h"

/* ---- the types of fields: is one set, and how is it packed */

static bool has_text(const void *field)
{
	return *(const char *const *)field != NULL;
}

static int pack_text(msgpack_packer *pk, const void *field)
{
	return message_pack_str(pk, *(const char *const *)field);
}

static bool has_int(const void *field)
{
	return *(const int *)field != 0;
}

static int pack_int(msgpack_packer *pk, const void *field)
{
	return msgpack_pack_int(pk, *(const int *)field);
}

static bool has_uint(const void *field)
{
	return *(const unsigned int *)field != 0;
}

static int pack_uint(msgpack_packer *pk, const void *field)
{
	return msgpack_pack_unsigned_int(pk, *(const unsigned int *)field);
}

/* What is no number was set as well: the daemon refuses it. */
static bool has_number(const void *field)
{
	double number = *(const double *)field;

	return number < 0 || number > 0 || number != number;
}

static int pack_number(msgpack_packer *pk, const void *field)
{
	return message_pack_double(pk, *(const double *)field);
}

static bool has_flag(const void *field)
{
	return *(const bool *)field;
}

static int pack_true(msgpack_packer *pk, const void *field)
{
	(void)field;
	return msgpack_pack_true(pk);
}

static int pack_false(msgpack_packer *pk, const void *field)
{
	(void)field;
	return msgpack_pack_false(pk);
}

static int pack_codes(msgpack_packer *pk, const void *field)
{
	unsigned int codes = *(const unsigned int *)field;
	int r = msgpack_pack_array(pk, (size_t)__builtin_popcount(codes));

	for (int code = 0; r == 0 && code < 32; code++)
		if ((codes & RUCHE_RETRY_ON(code)) != 0)
			r = message_pack_str(pk, ruche_code_name((enum ruche_code)code));
	return r;
}

/* ---- the fields */

static const struct option {
	const char *key;
	size_t offset;
	bool (*is_set)(const void *field);
	int (*pack)(msgpack_packer *pk, const void *field);
	bool is_for_one;
} table[] = {
	{"pool", offsetof(struct ruche_options, pool), has_text, pack_text, false},
	{"priority", offsetof(struct ruche_options, priority), has_int, pack_int, false},
	{"timeout", offsetof(struct ruche_options, timeout), has_number, pack_number, true},
	{"deadline", offsetof(struct ruche_options, deadline), has_number, pack_number, true},
	{"expires", offsetof(struct ruche_options, expires), has_number, pack_number, true},
	{"delay", offsetof(struct ruche_options, delay), has_number, pack_number, true},
	{"at", offsetof(struct ruche_options, at), has_number, pack_number, true},
	{"attempts", offsetof(struct ruche_options, attempts), has_uint, pack_uint, true},
	{"retry_on", offsetof(struct ruche_options, retry_on), has_uint, pack_codes, true},
	{"backoff", offsetof(struct ruche_options, backoff), has_number, pack_number, true},
	{"key", offsetof(struct ruche_options, key), has_text, pack_text, true},
	{"key_window", offsetof(struct ruche_options, key_window), has_number, pack_number, true},
	{"keep", offsetof(struct ruche_options, keep), has_number, pack_number, false},
	{"detach", offsetof(struct ruche_options, detach), has_flag, pack_true, false},
	{"wait", offsetof(struct ruche_options, no_wait), has_flag, pack_false, false},
	{"tag", offsetof(struct ruche_options, tag), has_text, pack_text, false},
	{"process", offsetof(struct ruche_options, process), has_flag, pack_true, false},
};

enum { OPTION_COUNT = sizeof(table) / sizeof(table[0]) };

static const void *field_of(const struct ruche_options *options, const struct option *option)
{
	return (const char *)options + option->offset;
}

static size_t count_set(const struct ruche_options *options)
{
	size_t count = 0;

	for (size_t i = 0; options != NULL && i < OPTION_COUNT; i++)
		count += table[i].is_set(field_of(options, &table[i]));
	return count;
}

bool options_are_default(const struct ruche_options *options)
{
	return count_set(options) == 0;
}

bool options_are_for_one(const struct ruche_options *options)
{
	for (size_t i = 0; options != NULL && i < OPTION_COUNT; i++)
		if (table[i].is_for_one && table[i].is_set(field_of(options, &table[i])))
			return true;
	return false;
}

int options_pack(msgpack_packer *pk, const struct ruche_options *options, bool is_process)
{
	size_t left = count_set(options);
	/* Both may say it. */
	bool adds_process = is_process && (options == NULL || !options->process);
	int r = msgpack_pack_map(pk, left + adds_process);

	if (r == 0 && adds_process)
		r = message_pack_str(pk, "process");
	if (r == 0 && adds_process)
		r = msgpack_pack_true(pk);
	for (size_t i = 0; r == 0 && left > 0; i++) {
		const void *field = field_of(options, &table[i]);

		if (!table[i].is_set(field))
			continue;
		r = message_pack_str(pk, table[i].key);
		if (r == 0)
			r = table[i].pack(pk, field);
		left--;
	}
	return r;
}

static size_t text_size(const char *text)
{
	return text == NULL ? 0 : strlen(text) + 1;
}

static const char *copy_text(char **to, const char *text)
{
	char *copy = *to;

	if (text == NULL)
		return NULL;
	strcpy(copy, text);
	*to += text_size(text);
	return copy;
}

struct ruche_options *options_copy(const struct ruche_options *options)
{
	struct ruche_options *copy;
	char *to;

	if (options == NULL)
		return NULL;
	copy = malloc(sizeof(*copy) + text_size(options->pool) + text_size(options->key) +
		      text_size(options->tag));
	if (copy == NULL)
		return NULL;
	*copy = *options;
	to = (char *)(copy + 1);
	copy->pool = copy_text(&to, options->pool);
	copy->key = copy_text(&to, options->key);
	copy->tag = copy_text(&to, options->tag);
	return copy;
}
