/* SPDX-License-Identifier: MIT */
#include "cli/object_text.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/duration.h"
#include "cli/table.h"
#include "cli/value.h"

static bool is_true(const msgpack_object *object, const char *key)
{
	const msgpack_object *value = value_get(object, key);

	return value != NULL && value->type == MSGPACK_OBJECT_BOOLEAN && value->via.boolean;
}

/* ---- the state of each kind */

static int append_queue(struct buf *out, const msgpack_object *object)
{
	int64_t size = value_int(object, "size", 0), maxsize = value_int(object, "maxsize", 0);
	int64_t unfinished = value_int(object, "unfinished", 0);

	if (cli_append(out, "%" PRId64, size) < 0 ||
		(maxsize > 0 && cli_append(out, " of %" PRId64, maxsize) < 0) ||
		cli_append(out, (maxsize > 0 ? maxsize : size) == 1 ? " item" : " items") < 0)
		return -ENOMEM;
	if (unfinished > 0 && cli_append(out, ", %" PRId64 " unfinished", unfinished) < 0)
		return -ENOMEM;
	return is_true(object, "ended") ? cli_append(out, ", ended") : 0;
}

static int append_semaphore(struct buf *out, const msgpack_object *object)
{
	return cli_append(out, "%" PRId64 " of %" PRId64 " free%s", value_int(object, "value", 0),
		value_int(object, "units", 0), is_true(object, "abandoned") ? ", abandoned" : "");
}

static int append_event(struct buf *out, const msgpack_object *object)
{
	return cli_append(out, "%s", is_true(object, "set") ? "set" : "clear");
}

static int append_barrier(struct buf *out, const msgpack_object *object)
{
	return cli_append(out, "%" PRId64 " of %" PRId64 " there%s",
		value_int(object, "arrived", 0), value_int(object, "parties", 0),
		is_true(object, "broken") ? ", broken" : "");
}

static int append_value(struct buf *out, const msgpack_object *object)
{
	char *type = value_text(object, "type", "?");
	int broken = -ENOMEM;

	if (type != NULL)
		broken = cli_append(out, "%" PRId64 " of %s", value_int(object, "count", 0), type);
	free(type);
	return broken;
}

static int append_pipe(struct buf *out, const msgpack_object *object)
{
	const msgpack_object *taken = value_get(object, "taken");
	int count = 0;

	for (uint32_t i = 0;
		taken != NULL && taken->type == MSGPACK_OBJECT_ARRAY && i < taken->via.array.size;
		i++)
		count += taken->via.array.ptr[i].type == MSGPACK_OBJECT_BOOLEAN &&
			 taken->via.array.ptr[i].via.boolean;
	return cli_append(
		out, "%d of 2 ends taken%s", count, is_true(object, "duplex") ? "" : ", one way");
}

static int append_lock(struct buf *out, const msgpack_object *object)
{
	const msgpack_object *holders = value_get(object, "holders");
	bool is_held = holders != NULL && holders->type == MSGPACK_OBJECT_ARRAY &&
		       holders->via.array.size > 0;

	return cli_append(out, "%s%s", is_held ? "held" : "free",
		is_true(object, "abandoned") ? ", abandoned" : "");
}

static const struct {
	const char *kind;
	int (*append)(struct buf *out, const msgpack_object *object);
} states[] = {
	{"queue", append_queue},
	{"lock", append_lock},
	{"rlock", append_lock},
	{"condition", append_lock},
	{"semaphore", append_semaphore},
	{"event", append_event},
	{"barrier", append_barrier},
	{"value", append_value},
	{"pipe", append_pipe},
};

/* Nothing for a kind that this program does not know. */
static int append_state(struct buf *out, const msgpack_object *object)
{
	const char *kind;
	size_t len = value_bytes(object, "kind", &kind);

	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
		if (strlen(states[i].kind) == len && memcmp(states[i].kind, kind, len) == 0)
			return states[i].append(out, object);
	return 0;
}

/* ---- those who hold it or wait */

/* Calls `append` with each of the maps under a key, and puts `between` between them. */
static int append_each(struct buf *out, const msgpack_object *object, const char *key,
	const char *between, int (*append)(struct buf *out, const msgpack_object *one))
{
	const msgpack_object *all = value_get(object, key);
	int broken = 0;

	if (all == NULL || all->type != MSGPACK_OBJECT_ARRAY)
		return 0;
	for (uint32_t i = 0; broken == 0 && i < all->via.array.size; i++) {
		broken = i > 0 ? cli_append(out, "%s", between) : 0;
		if (broken == 0)
			broken = append(out, &all->via.array.ptr[i]);
	}
	return broken;
}

static int append_pid(struct buf *out, const msgpack_object *one)
{
	return cli_append(out, "%" PRId64, value_int(one, "pid", 0));
}

static int append_task(struct buf *out, const msgpack_object *one)
{
	int64_t task = value_int(one, "task", 0);

	return task > 0 ? cli_append(out, " in task %" PRId64, task) : 0;
}

static int append_holder(struct buf *out, const msgpack_object *one)
{
	int64_t count = value_int(one, "count", 1);

	if (cli_append(out, "held by     pid ") < 0 || append_pid(out, one) < 0 ||
		append_task(out, one) < 0)
		return -ENOMEM;
	return cli_append(out, count == 1 ? "\n" : ", %" PRId64 " of them\n", count);
}

static int append_waiter(struct buf *out, const msgpack_object *one)
{
	char *what = value_text(one, "for", "?"), text[DURATION_TEXT_MAX];
	int broken = -ENOMEM;

	if (what != NULL && cli_append(out, "waiting     pid ") == 0 && append_pid(out, one) == 0 &&
		append_task(out, one) == 0)
		broken = cli_append(out, " to %s, for %s\n", what,
			duration_text(text, value_double(one, "seconds", 0)));
	free(what);
	return broken;
}

/* ---- the table */

static int take_buf(struct table *table, struct buf *text, int broken)
{
	if (broken == 0)
		broken = table_add(table, "%.*s", (int)buf_len(text), (const char *)buf_data(text));
	buf_fini(text);
	return broken;
}

static int add_row(struct table *table, const msgpack_object *object)
{
	struct buf state = {0}, pids = {0};

	if (table_take(table, value_text(object, "name", "?")) < 0 ||
		table_take(table, value_text(object, "kind", "?")) < 0 ||
		take_buf(table, &state, append_state(&state, object)) < 0 ||
		table_add(table, "%" PRId64, value_int(object, "users", 0)) < 0 ||
		table_add(table, "%" PRId64, value_int(object, "waiting", 0)) < 0 ||
		table_add(table, "%" PRId64, value_int(object, "bytes", 0)) < 0)
		return -ENOMEM;
	return take_buf(table, &pids, append_each(&pids, object, "holders", ",", append_pid));
}

int object_text_append_table(struct buf *out, const msgpack_object *objects)
{
	static const char *const heads[] = {
		"NAME", "KIND", "STATE", ">USERS", ">WAITING", ">BYTES", "HELD BY", NULL};
	struct table table;
	int broken = 0;

	if (objects->type != MSGPACK_OBJECT_ARRAY)
		return 0;
	table_init(&table, heads);
	for (uint32_t i = 0; broken == 0 && i < objects->via.array.size; i++)
		broken = add_row(&table, &objects->via.array.ptr[i]);
	if (broken == 0)
		broken = table_append(out, &table);
	table_fini(&table);
	return broken;
}

/* ---- one */

static int append_user(struct buf *out, const msgpack_object *object)
{
	int64_t uid = value_int(object, "uid", -1);
	const struct passwd *user = uid >= 0 ? getpwuid((uid_t)uid) : NULL;

	if (uid < 0)
		return 0;
	if (user != NULL)
		return cli_append(out, " of %s", user->pw_name);
	return cli_append(out, " of user %" PRId64, uid);
}

static int append_head(struct buf *out, const msgpack_object *object)
{
	char *name = value_text(object, "name", "?"), *kind = value_text(object, "kind", "?");
	int broken = -ENOMEM;

	if (name != NULL && kind != NULL)
		broken = cli_append(out, "%-12s%s", kind, name);
	free(name);
	free(kind);
	if (broken == 0)
		broken = append_user(out, object);
	if (broken == 0)
		broken = cli_append(
			out, "%s\n", is_true(object, "persistent") ? ", persistent" : "");
	return broken;
}

int object_text_append(struct buf *out, const msgpack_object *object)
{
	if (append_head(out, object) < 0 || cli_append(out, "%-12s", "state") < 0 ||
		append_state(out, object) < 0 ||
		cli_append(out, "\n%-12s%" PRId64 ", of whom %" PRId64 " wait\n", "users",
			value_int(object, "users", 0), value_int(object, "waiting", 0)) < 0 ||
		cli_append(out, "%-12s%" PRId64 "\n", "bytes", value_int(object, "bytes", 0)) < 0 ||
		append_each(out, object, "holders", "", append_holder) < 0)
		return -ENOMEM;
	return append_each(out, object, "waiters", "", append_waiter);
}
