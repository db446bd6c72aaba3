/* SPDX-License-Identifier: MIT */
/* upgrade.h: objects, who uses them, who waits there, and what is in them. */
#include <errno.h>
#include <string.h>

#include "supervisor/load.h"
#include "supervisor/objects.h"
#include "supervisor/session.h"
#include "supervisor/state_fields.h"
#include "supervisor/supervisor.h"
#include "wire/value.h"

/* ---- writing -------------------------------------------------------------------------------- */

static void save_item(struct state_writer *w, const char *kind, const struct item *item)
{
	state_begin(w, kind);
	state_put_uint(w, "token", item->token);
	state_put_bytes(w, "data", item->data, item->len);
	state_end(w);
}

static void save_items(struct state_writer *w, const char *kind, const struct item_list *items)
{
	const struct item *item;

	TAILQ_FOREACH (item, items, link)
		save_item(w, kind, item);
}

static void save_tree(struct state_writer *w, const char *kind, const struct item_tree *tree)
{
	for (const struct item *item = item_tree_after(tree, 0); item != NULL;
		item = item_tree_after(tree, item->token))
		save_item(w, kind, item);
}

static const struct session *session_of(const struct use *use)
{
	return use->holder->owner;
}

static void save_use(struct state_writer *w, const struct use *use)
{
	state_begin(w, "use");
	state_put_fields(w, &state_of_use, use);
	state_put_uint(w, "session", session_of(use)->ref.index);
	state_end(w);
	save_tree(w, "unacked", &use->unacked);
}

static void save_want(struct state_writer *w, const struct want *want)
{
	state_begin(w, "want");
	state_put_fields(w, &state_of_want, want);
	state_put_uint(w, "session", session_of(want->use)->ref.index);
	state_put_uint(w, "alarm", alarm_is_set(&want->alarm) ? want->alarm.at : 0);
	state_end(w);
	save_items(w, "unput", &want->items);
}

static void save_ends(struct state_writer *w, const struct object *object)
{
	static const char *const fds[] = {"fd", "fd_1"}, *const handed[] = {"handed", "handed_1"};

	for (int i = 0; i < 2; i++) {
		bool is_handed = object->handed[i].generation != 0;

		state_put_fd(w, fds[i], object->fds[i]);
		state_put_uint(w, handed[i], is_handed ? (uint64_t)object->handed[i].index + 1 : 0);
	}
}

static void save_object(struct state_writer *w, const struct object *object)
{
	state_begin(w, "object");
	state_put_fields(w, &state_of_object, object);
	state_put_uint(w, "uid", object->user->uid);
	state_put_bytes(w, "name", object->name, object->name_len);
	save_ends(w, object);
	if (object->kind == OBJECT_QUEUE)
		state_put_fields(w, &state_of_object_queue, &object->queue);
	else
		state_put_uint(w, "abandoned", object->lock.abandoned);
	state_end(w);
	if (object->kind != OBJECT_QUEUE)
		return;
	save_tree(w, "item", &object->queue.back); /* the older ones */
	save_items(w, "item", &object->queue.items);
}

void objects_save(struct state_writer *w, const struct supervisor *sup)
{
	const struct object *object;
	const struct use *use;
	const struct want *want;

	TAILQ_FOREACH (object, &sup->objects.list, link) {
		save_object(w, object);
		TAILQ_FOREACH (use, &object->uses, of_object)
			save_use(w, use);
		for (int lane = 0; lane < WANT_KINDS; lane++)
			TAILQ_FOREACH (want, &object->lanes[lane], in_lane)
				save_want(w, want);
	}
}

/* ---- reading: objects ------------------------------------------------------------------------- */

static void load_ends(struct loading *l, struct object *object)
{
	static const char *const fds[] = {"fd", "fd_1"}, *const handed[] = {"handed", "handed_1"};

	for (int i = 0; i < 2; i++) {
		const struct task *task =
			load_numbered(&l->tasks, state_get_uint(&l->r, handed[i]));

		object->fds[i] = state_get_fd(&l->r, fds[i]);
		if (task != NULL)
			object_hand_end(object, i, task);
	}
}

static void load_rest(struct loading *l, struct object *object)
{
	object->set = state_get_uint(&l->r, "set") != 0;
	object->broken = state_get_uint(&l->r, "broken") != 0;
	load_ends(l, object);
	if (object->kind == OBJECT_QUEUE)
		state_get_fields(&l->r, &state_of_object_queue, &object->queue);
	else
		object->lock.abandoned = state_get_uint(&l->r, "abandoned") != 0;
	if (object->kind == OBJECT_VALUE)
		object_charge(object, value_memory_size(object->type, object->size));
}

/* Limits count again when all is there: see supervisor.c. */
static struct object *make(struct loading *l, const struct object_terms *terms, bool is_removed)
{
	struct objects *objects = &l->sup->objects;
	struct user *user = users_get(&l->sup->users, (uid_t)state_get_uint(&l->r, "uid"));
	struct object *object = NULL;

	objects->user_bytes = UINT64_MAX;
	if (user == NULL)
		return NULL;
	user_ref(user);
	if (object_find(objects, user, terms->name, terms->name_len) == NULL)
		object = object_new(objects, user, terms);
	user_unref(&l->sup->users, user);
	if (object != NULL && is_removed)
		object_forget_name(object);
	return object;
}

int load_object(struct loading *l)
{
	struct object like = {0};
	struct object_terms terms = {0};

	state_get_fields(&l->r, &state_of_object, &like);
	terms.name = state_get_bytes(&l->r, "name", &terms.name_len);
	terms.kind = like.kind;
	terms.persistent = like.persistent;
	terms.size = like.size;
	terms.type = like.type;
	terms.duplex = like.duplex;
	if (like.kind >= OBJECT_KINDS || terms.name_len == 0 || terms.name_len > OBJECT_NAME_MAX)
		return load_fail(l, "an object is of no kind, or has no name");
	l->object = make(l, &terms, like.removed);
	if (l->object == NULL)
		return load_fail(l, "an object is there twice, or there is no memory for it");
	load_rest(l, l->object);
	return 0;
}

/* ---- reading: items ----------------------------------------------------------------------------- */

/* NULL: no memory. */
static struct item *load_any(struct loading *l)
{
	size_t len;
	const void *data = state_get_bytes(&l->r, "data", &len);
	struct item *item = data != NULL ? item_new(l->object, data, len) : NULL;

	if (item != NULL)
		item->token = state_get_uint(&l->r, "token");
	return item;
}

static int load_into(struct loading *l, struct item_list *items)
{
	struct item *item = load_any(l);

	if (item == NULL)
		return -ENOMEM;
	TAILQ_INSERT_TAIL(items, item, link);
	return 0;
}

int load_item(struct loading *l)
{
	l->object->queue.count++;
	return load_into(l, &l->object->queue.items);
}

int load_unacked(struct loading *l)
{
	struct item *item = load_any(l);

	if (item == NULL)
		return -ENOMEM;
	item_tree_add(&l->use->unacked, item);
	l->use->unacked_count++;
	return 0;
}

int load_unput(struct loading *l)
{
	return load_into(l, &l->want->items);
}

/* ---- reading: uses and wants ---------------------------------------------------------------------- */

static struct holder *load_holder(struct loading *l)
{
	struct session *session = load_session_at(l, state_get_uint(&l->r, "session"));

	return session != NULL ? objects_holder(session) : NULL;
}

int load_use(struct loading *l)
{
	struct holder *holder = load_holder(l);

	l->use = holder != NULL ? object_use_new(holder, l->object) : NULL;
	if (l->use == NULL)
		return load_fail(l, "an object's user is not there");
	state_get_fields(&l->r, &state_of_use, l->use);
	object_restore_owner(l->use);
	return 0;
}

int load_want(struct loading *l)
{
	uint64_t alarm = state_get_uint(&l->r, "alarm");
	struct want like = {0};

	state_get_fields(&l->r, &state_of_want, &like);
	like.use = object_find_use(
		&l->sup->objects, load_holder(l), l->object->name, l->object->name_len);
	if (like.use == NULL || like.use->object != l->object || like.kind >= WANT_KINDS ||
		!object_serves(l->object, like.kind))
		return load_fail(l, "somebody waits for what they do not use");
	l->want = want_new(&like, alarm != 0 ? alarm : UINT64_MAX);
	return l->want != NULL ? 0 : -ENOMEM;
}
