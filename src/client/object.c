/* SPDX-License-Identifier: MIT */
/* objects.h, what all kinds have. */
#include "client/object.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client/object_reply.h"
#include "wire/message.h"

enum { OPTIONS_MAX = 12 };

/* Those that have functions of their own are opened by these. */
static const unsigned int plain_kinds = ~(1u << RUCHE_PIPE | 1u << RUCHE_VALUE);

const char *ruche_kind_name(enum ruche_kind kind)
{
	static const char *const names[RUCHE_KIND_COUNT] = {
		[RUCHE_QUEUE] = "queue",
		[RUCHE_LOCK] = "lock",
		[RUCHE_RLOCK] = "rlock",
		[RUCHE_SEMAPHORE] = "semaphore",
		[RUCHE_EVENT] = "event",
		[RUCHE_CONDITION] = "condition",
		[RUCHE_BARRIER] = "barrier",
		[RUCHE_PIPE] = "pipe",
		[RUCHE_VALUE] = "value",
	};

	return (unsigned int)kind < RUCHE_KIND_COUNT ? names[kind] : "unknown";
}

/* ---- opening */

/* [kind, name] */
static int pack_opening(struct request *request, const void *data)
{
	const struct object_opening *opening = data;
	int r = message_pack_str(&request->pk, ruche_kind_name(opening->kind));

	return r < 0 ? r : message_pack_str(&request->pk, opening->name);
}

/* Those that every kind may be given.  How many. */
static size_t fill_options(const struct ruche_object_options *options, struct object_option *ret)
{
	const struct object_option all[] = {
		{"create", options->existing, object_pack_flag, {.flag = false}},
		{"exclusive", options->exclusive, object_pack_flag, {.flag = true}},
		{"persistent", options->persistent, object_pack_flag, {.flag = true}},
		{"maxsize", options->maxsize > 0, object_pack_number, {.number = options->maxsize}},
		{"value", options->value > 0, object_pack_number, {.number = options->value}},
		{"parties", options->parties > 0, object_pack_number, {.number = options->parties}},
		{"duplex", options->one_way, object_pack_flag, {.flag = false}},
	};

	memcpy(ret, all, sizeof(all));
	return sizeof(all) / sizeof(all[0]);
}

/* What the daemon has opened is of the kind that it was asked for. */
static int check_kind(const struct ruche_reply *reply, const char *kind)
{
	struct piece said;
	const char *text;
	size_t len;

	if (object_get(reply, "kind", &said) < 0 ||
		value_get_bytes(said.data, said.len, &text, &len) < 0 || len != strlen(kind) ||
		memcmp(text, kind, len) != 0)
		return -EPROTO;
	return 0;
}

static int ask_to_open(
	struct ruche *ruche, const struct object_opening *opening, struct ruche_reply **ret)
{
	static const struct ruche_object_options defaults;
	struct object_option all[OPTIONS_MAX];
	size_t count = fill_options(opening->options == NULL ? &defaults : opening->options, all);
	const struct object_question question = {.method = "ruche.open",
		.count = 2,
		.pack = pack_opening,
		.data = opening,
		.options = all,
		.option_count = count + opening->more_count,
		.brings_fd = opening->more_count > 0};

	if (opening->more_count > 0)
		memcpy(all + count, opening->more, opening->more_count * sizeof(*all));
	return object_ask(ruche, &question, ret);
}

int object_open(struct ruche *ruche, struct use *use, const struct object_opening *opening,
	struct ruche_reply **ret)
{
	struct ruche_reply *reply = NULL;
	int r = object_begin(ruche, opening);

	if (r == 0)
		r = use_check_name(opening->name);
	if (r == 0)
		r = ask_to_open(ruche, opening, &reply);
	if (r < 0)
		return r;
	use_begin(use, ruche, opening->name);
	r = check_kind(reply, ruche_kind_name(opening->kind));
	if (r == 0) {
		*ret = reply;
		return 0;
	}
	ruche_reply_free(reply);
	use_end(use);
	return r;
}

int ruche_object_open(struct ruche *ruche, struct ruche_object **ret, enum ruche_kind kind,
	const char *name, const struct ruche_object_options *options)
{
	const struct object_opening opening = {.kind = kind, .name = name, .options = options};
	struct ruche_object *object;
	struct ruche_reply *reply;
	int r = object_begin(ruche, ret);

	if (r == 0 && ((unsigned int)kind >= RUCHE_KIND_COUNT || (plain_kinds & 1u << kind) == 0))
		r = -EINVAL;
	if (r < 0)
		return r;
	object = calloc(1, sizeof(*object));
	if (object == NULL)
		return -ENOMEM;
	object->kind = kind;
	object->use.ends_with_handle = true;
	r = object_open(ruche, &object->use, &opening, &reply);
	if (r < 0) {
		free(object);
		return r;
	}
	ruche_reply_free(reply);
	*ret = object;
	return 0;
}

void ruche_object_close(struct ruche_object *object)
{
	if (object == NULL)
		return;
	use_end(&object->use);
	free(object);
}

/* ---- by name */

static int ask_by_name(
	struct ruche *ruche, const char *method, const char *name, struct ruche_reply **ret)
{
	const struct object_question question = {.method = method, .name = name};
	int r = object_begin(ruche, &question);

	if (r == 0)
		r = use_check_name(name);
	return r < 0 ? r : object_ask(ruche, &question, ret);
}

int ruche_object_remove(struct ruche *ruche, const char *name)
{
	return ask_by_name(ruche, "ruche.remove", name, NULL);
}

int ruche_object_status(struct ruche *ruche, const char *name, struct ruche_reply **ret)
{
	return ret == NULL ? -EINVAL : ask_by_name(ruche, "ruche.object", name, ret);
}

int ruche_objects(struct ruche *ruche, struct ruche_reply **ret)
{
	const struct object_question question = {.method = "ruche.objects"};

	return ret == NULL ? -EINVAL : object_ask(ruche, &question, ret);
}
