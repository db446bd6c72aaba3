/* SPDX-License-Identifier: MIT */
/* object.h: objects and who uses them, from the first to the last. */
#include "core/object.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

/* ---- finding ---------------------------------------------------------------------------------- */

static int order(const void *a, const void *b)
{
	return (a > b) - (a < b);
}

static int compare_names(const struct object *a, const struct object *b)
{
	if (a->name_len != b->name_len)
		return a->name_len < b->name_len ? -1 : 1;
	return memcmp(a->name, b->name, a->name_len);
}

static int compare_objects(const void *one, const void *other)
{
	const struct object *a = one, *b = other;
	int r = order(a->user, b->user);

	return r != 0 ? r : compare_names(a, b);
}

static int compare_uses(const void *one, const void *other)
{
	const struct use *a = one, *b = other;
	int r = order(a->holder, b->holder);

	return r != 0 ? r : compare_names(a->object, b->object);
}

/* An object to be compared with, good for nothing else. */
union key {
	struct object object;
	char room[sizeof(struct object) + OBJECT_NAME_MAX];
};

static bool make_key(union key *key, const struct user *user, const char *name, size_t name_len)
{
	if (name_len == 0 || name_len > OBJECT_NAME_MAX)
		return false;
	key->object.user = (struct user *)user;
	key->object.name_len = name_len;
	memcpy(key->room + offsetof(struct object, name), name, name_len);
	return true;
}

/* What a node of search.h's trees points to. */
static void *found(void *node)
{
	return node != NULL ? *(void **)node : NULL;
}

struct object *object_find(
	const struct objects *objects, const struct user *user, const char *name, size_t name_len)
{
	union key key;

	if (!make_key(&key, user, name, name_len))
		return NULL;
	return found(tfind(&key.object, &objects->by_name, compare_objects));
}

struct use *object_find_use(const struct objects *objects, const struct holder *holder,
	const char *name, size_t name_len)
{
	union key key;
	const struct use use = {.holder = (struct holder *)holder, .object = &key.object};

	if (!make_key(&key, NULL, name, name_len))
		return NULL;
	return found(tfind(&use, &objects->by_use, compare_uses));
}

/* ---- objects ----------------------------------------------------------------------------------- */

bool object_charge(struct object *object, size_t bytes)
{
	struct user *user = object->user;

	if (bytes > object->all->user_bytes || user->object_bytes > object->all->user_bytes - bytes)
		return false;
	user->object_bytes += bytes;
	object->bytes += bytes;
	return true;
}

void object_discharge(struct object *object, size_t bytes)
{
	object->user->object_bytes -= bytes;
	object->bytes -= bytes;
}

void object_forget_name(struct object *object)
{
	tdelete(object, &object->all->by_name, compare_objects);
	object->removed = true;
}

static void object_free(struct object *object)
{
	struct objects *objects = object->all;

	if (!object->removed) {
		object_forget_name(object);
		objects->on_free(object);
	}
	if (object->kind == OBJECT_QUEUE) {
		items_free(object, &object->queue.items);
		item_tree_free(object, &object->queue.back);
	}
	object_discharge(object, object->bytes);
	TAILQ_REMOVE(&objects->list, object, link);
	object->user->objects--;
	user_unref(objects->users, object->user);
	free(object);
}

static void init(struct object *object, const struct object_terms *terms)
{
	object->kind = terms->kind;
	object->persistent = terms->persistent;
	object->size = terms->size;
	if (terms->size == UINT64_MAX)
		object->size = terms->kind == OBJECT_QUEUE ? 0 : 1;
	object->type = terms->type;
	object->duplex = terms->duplex != 0;
	object->fds[0] = object->fds[1] = -1;
	TAILQ_INIT(&object->uses);
	for (int i = 0; i < WANT_KINDS; i++)
		TAILQ_INIT(&object->lanes[i]);
	if (terms->kind == OBJECT_QUEUE)
		TAILQ_INIT(&object->queue.items);
	else
		TAILQ_INIT(&object->lock.owners);
}

struct object *object_new(
	struct objects *objects, struct user *user, const struct object_terms *terms)
{
	struct object *object = calloc(1, sizeof(*object) + terms->name_len + 1);

	if (object == NULL)
		return NULL;
	object->all = objects;
	object->user = user;
	object->name_len = terms->name_len;
	memcpy(object->name, terms->name, terms->name_len);
	if (tsearch(object, &objects->by_name, compare_objects) == NULL) {
		free(object);
		return NULL;
	}
	init(object, terms);
	user->objects++;
	user_ref(user);
	TAILQ_INSERT_TAIL(&objects->list, object, link);
	return object;
}

void objects_init(struct objects *objects, struct users *users, struct alarms *alarms)
{
	*objects = (struct objects){.users = users, .alarms = alarms};
	TAILQ_INIT(&objects->list);
}

void objects_fini(struct objects *objects)
{
	struct object *object;

	while ((object = TAILQ_FIRST(&objects->list)) != NULL)
		object_free(object);
}

/* ---- uses -------------------------------------------------------------------------------------- */

struct use *object_use_new(struct holder *holder, struct object *object)
{
	struct use *use = calloc(1, sizeof(*use));

	if (use == NULL)
		return NULL;
	use->holder = holder;
	use->object = object;
	TAILQ_INIT(&use->wants);
	if (tsearch(use, &object->all->by_use, compare_uses) == NULL) {
		free(use);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&holder->uses, use, of_holder);
	TAILQ_INSERT_TAIL(&object->uses, use, of_object);
	object->use_count++;
	return use;
}

/* It is not used any more; what it held has gone back. */
static void use_free(struct use *use)
{
	struct object *object = use->object;

	tdelete(use, &object->all->by_use, compare_uses);
	TAILQ_REMOVE(&use->holder->uses, use, of_holder);
	TAILQ_REMOVE(&object->uses, use, of_object);
	free(use);
	if (--object->use_count == 0 && (object->removed || !object->persistent))
		object_free(object);
}

static void release(struct use *use, bool died)
{
	struct object *object = use->object;

	if (object_serves(object, WANT_ACQUIRE))
		object_give_back_lock(use, died);
	else if (object->kind == OBJECT_QUEUE)
		object_give_back_items(use);
}

static void use_end(struct use *use, bool died)
{
	struct object *object = use->object;

	release(use, died);
	if (object->kind == OBJECT_BARRIER && died)
		object_break(object);
	use_free(use);
}

static void cancel_wants(struct use *use)
{
	while (!TAILQ_EMPTY(&use->wants))
		want_cancel(TAILQ_FIRST(&use->wants));
}

void holder_release(struct holder *holder)
{
	struct use *use;

	TAILQ_FOREACH (use, &holder->uses, of_holder) {
		cancel_wants(use);
		release(use, true);
	}
}

void object_close(struct use *use)
{
	if (--use->opens > 0)
		return;
	cancel_wants(use);
	use_end(use, false);
}

void holder_init(struct holder *holder, void *owner)
{
	*holder = (struct holder){.owner = owner};
	TAILQ_INIT(&holder->uses);
	TAILQ_INIT(&holder->wants);
}

void holder_end(struct holder *holder)
{
	while (!TAILQ_EMPTY(&holder->wants))
		want_drop(TAILQ_FIRST(&holder->wants));
	while (!TAILQ_EMPTY(&holder->uses))
		use_end(TAILQ_FIRST(&holder->uses), true);
}

/* ---- opening ----------------------------------------------------------------------------------- */

static bool fits(const struct object *object, const struct object_terms *terms)
{
	return object->kind == terms->kind &&
	       (terms->size == UINT64_MAX || terms->size == object->size) &&
	       (terms->type == 0 || terms->type == object->type) &&
	       (terms->duplex < 0 || (terms->duplex != 0) == object->duplex);
}

static enum ruche_code make(struct objects *objects, struct user *user,
	const struct object_terms *terms, struct object **ret)
{
	if (!terms->create)
		return RUCHE_UNKNOWN_OBJECT;
	if (user->objects >= objects->user_objects)
		return RUCHE_BUSY;
	*ret = object_new(objects, user, terms);
	return *ret != NULL ? RUCHE_OK : RUCHE_BUSY;
}

static enum ruche_code find_or_make(struct objects *objects, struct user *user,
	const struct object_terms *terms, struct object **ret, bool *ret_created)
{
	*ret = object_find(objects, user, terms->name, terms->name_len);
	*ret_created = *ret == NULL;
	if (*ret == NULL)
		return make(objects, user, terms, ret);
	if (terms->exclusive)
		return RUCHE_EXISTS;
	return fits(*ret, terms) ? RUCHE_OK : RUCHE_BAD_ARGUMENTS;
}

/* Of an object that has been removed; how often it was open. */
static uint32_t close_all(struct use *use)
{
	uint32_t opens = use->opens;

	use->opens = 1;
	object_close(use);
	return opens;
}

/* Of this holder.  One of an object that has been removed ends; its closes are still to come, and must not end this one. */
static struct use *use_of(struct holder *holder, struct object *object)
{
	struct use *use = object_find_use(object->all, holder, object->name, object->name_len);
	uint32_t opens = 0;

	if (use != NULL && use->object == object)
		return use;
	if (use != NULL)
		opens = close_all(use);
	use = object_use_new(holder, object);
	if (use != NULL)
		use->opens = opens;
	return use;
}

enum ruche_code object_open(struct objects *objects, struct holder *holder, struct user *user,
	const struct object_terms *terms, struct use **ret, bool *ret_created)
{
	struct object *object;
	enum ruche_code code = find_or_make(objects, user, terms, &object, ret_created);

	if (code != RUCHE_OK)
		return code;
	*ret = use_of(holder, object);
	if (*ret != NULL)
		(*ret)->opens++;
	else if (*ret_created)
		object_free(object);
	return *ret != NULL ? RUCHE_OK : RUCHE_BUSY;
}

static void fail_all(struct object *object, enum ruche_code code)
{
	for (int lane = 0; lane < WANT_KINDS; lane++)
		want_fail_all(object, (enum want_kind)lane, code);
}

void object_remove(struct object *object)
{
	object_forget_name(object);
	fail_all(object, RUCHE_REMOVED);
	object->all->on_free(object);
	if (object->use_count == 0)
		object_free(object);
}

void objects_fail_all(struct objects *objects, enum ruche_code code)
{
	struct object *object;

	TAILQ_FOREACH (object, &objects->list, link)
		fail_all(object, code);
}
