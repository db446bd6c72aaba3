/* SPDX-License-Identifier: MIT */
/* What connections share, used by chance: after each of very many steps all is as it has to be. */
#include <stdlib.h>
#include <string.h>

#include "check_core.h"

#include "core/object.h"

enum { HOLDERS = 6, OBJECTS = 8, STEPS = 250000, REQUESTS = 2 * STEPS, TIME_MAX = 200 };

enum request_state { NOT_ASKED, ASKED, ANSWERED, DEAD };

/* What is asked for so often that check's own words take too long. */
#define must(so)                                                                                   \
	do {                                                                                       \
		if (!(so))                                                                         \
			ck_abort_msg("step %d: not so: %s", steps, #so);                           \
	} while (0)

static struct users users;
static struct alarms alarms;
static struct objects objects;
static struct holder holders[HOLDERS];
static struct user *user;
static unsigned char requests[REQUESTS];
static uint32_t last_msgid;
static int steps;
static int waiting[HOLDERS];
static uint64_t now;
static bool one_each; /* nobody asks for more while they wait */

static const struct {
	const char *name;
	enum object_kind kind;
	uint64_t size;
} kinds[OBJECTS] = {
	{"queue", OBJECT_QUEUE, 0},
	{"small queue", OBJECT_QUEUE, 2},
	{"lock", OBJECT_LOCK, UINT64_MAX},
	{"rlock", OBJECT_RLOCK, UINT64_MAX},
	{"semaphore", OBJECT_SEMAPHORE, 3},
	{"event", OBJECT_EVENT, UINT64_MAX},
	{"condition", OBJECT_CONDITION, UINT64_MAX},
	{"barrier", OBJECT_BARRIER, 3},
};

/* The same in each run. */
static uint32_t chance(uint32_t below)
{
	static uint64_t state = 1;

	state = state * UINT64_C(6364136223846793005) + 1442695040888963407U;
	return (uint32_t)(state >> 33) % below;
}

/* ---- who would wait for ever: all who wait, without those who can go on ------------------------ */

static bool is_free(const struct object *object)
{
	return object->lock.held < (object->kind == OBJECT_SEMAPHORE ? object->size : 1);
}

/* Its holder has it already, and may go on with it: that another of its requests waits for the same changes nothing. */
static bool is_own(const struct want *want)
{
	enum object_kind kind = want->use->object->kind;

	return want->use->held > 0 && (kind == OBJECT_RLOCK || kind == OBJECT_CONDITION);
}

static bool is_stuck(const struct want *want, const bool stuck[HOLDERS])
{
	const struct use *owner;

	if (want->kind != WANT_ACQUIRE || alarm_is_set(&want->alarm) ||
		is_free(want->use->object) || is_own(want))
		return false;
	TAILQ_FOREACH (owner, &want->use->object->lock.owners, of_owners)
		if (!stuck[owner->holder - holders])
			return false;
	return true;
}

static void find_stuck(bool stuck[HOLDERS])
{
	const struct want *want;
	bool again = true;

	for (int i = 0; i < HOLDERS; i++)
		stuck[i] = !TAILQ_EMPTY(&holders[i].wants);
	while (again) {
		again = false;
		for (int i = 0; i < HOLDERS; i++)
			TAILQ_FOREACH (want, &holders[i].wants, of_holder)
				if (stuck[i] && !is_stuck(want, stuck)) {
					stuck[i] = false;
					again = true;
				}
	}
}

/* ---- what is told -------------------------------------------------------------------------------- */

static const struct item *oldest(const struct object_queue *queue)
{
	const struct item *back = item_tree_after(&queue->back, 0),
			  *item = TAILQ_FIRST(&queue->items);

	return back != NULL && (item == NULL || back->token < item->token) ? back : item;
}

static void check_order_of_items(const struct want *want, const struct object_answer *answer)
{
	const struct item *item = answer->first, *left = oldest(&want->use->object->queue);
	uint64_t last = 0;

	for (uint64_t i = 0; i < answer->count; i++, item = TAILQ_NEXT(item, link)) {
		must(item->token > last);
		last = item->token;
	}
	must(left == NULL || left->token > last);
}

/* Nobody who came earlier waits for the same. */
static void check_turn(const struct want *want)
{
	const struct object *object = want->use->object;
	const struct want *first = TAILQ_FIRST(&object->lanes[want->kind]);
	bool again = want->kind == WANT_ACQUIRE && want->use->held > want->depth;

	must(first == NULL || first == want || again || want->kind == WANT_PASS || want->done > 0);
}

static void on_answer(const struct want *want, const struct object_answer *answer)
{
	bool stuck[HOLDERS];

	must(requests[want->msgid] == ASKED);
	requests[want->msgid] = ANSWERED;
	if (answer->code == RUCHE_OK)
		check_turn(want);
	if (answer->count > 0)
		check_order_of_items(want, answer);
	if (answer->code != RUCHE_DEADLOCK)
		return;
	find_stuck(stuck);
	must(stuck[want->use->holder - holders]);
}

static void on_wait(const struct holder *holder, bool waits)
{
	waiting[holder - holders] += waits ? 1 : -1;
}

static void on_free(struct object *object)
{
	(void)object;
}

/* ---- what always has to be so ------------------------------------------------------------------- */

struct sums {
	uint64_t held, unacked, taken, bytes;
};

static size_t add_tree(struct sums *sums, const struct item_tree *tree)
{
	const struct item *item = NULL;
	size_t count = 0;

	while ((item = item_tree_after(tree, item != NULL ? item->token : 0)) != NULL) {
		sums->bytes += sizeof(*item) + item->len;
		count++;
	}
	return count;
}

static size_t add_list(struct sums *sums, const struct item_list *items)
{
	const struct item *item;
	size_t count = 0;

	TAILQ_FOREACH (item, items, link) {
		sums->bytes += sizeof(*item) + item->len;
		count++;
	}
	return count;
}

static struct sums add_uses(const struct object *object)
{
	bool counts = object->kind == OBJECT_SEMAPHORE;
	struct sums sums = {0};
	const struct use *use;

	TAILQ_FOREACH (use, &object->uses, of_object) {
		sums.held += counts ? use->held : use->held > 0;
		sums.unacked += use->unacked_count;
		sums.taken += use->taken;
		must(add_tree(&sums, &use->unacked) == use->unacked_count);
	}
	return sums;
}

static void check_lanes(const struct object *object, struct sums *sums)
{
	const struct want *want;

	for (int lane = 0; lane < WANT_KINDS; lane++) {
		uint32_t count = 0;

		TAILQ_FOREACH (want, &object->lanes[lane], in_lane) {
			add_list(sums, &want->items);
			count++;
		}
		must(object->waiting[lane] == count);
		must(count == 0 || !object->removed);
	}
}

static void check_queue(const struct object *object, struct sums *sums)
{
	const struct object_queue *queue = &object->queue;
	bool has_room = object->size == 0 || queue->count < object->size;

	must(add_list(sums, &queue->items) + add_tree(sums, &queue->back) == queue->count);
	must(queue->unfinished == queue->count + sums->unacked + sums->taken);
	must(object->waiting[WANT_GET] == 0 || (queue->count == 0 && !queue->ended));
	must(object->waiting[WANT_PUT] == 0 || (!has_room && !queue->ended));
	must(object->waiting[WANT_JOIN] == 0 || queue->unfinished > 0);
	must(object->bytes == sums->bytes);
}

static void check_object(const struct object *object)
{
	struct sums sums = add_uses(object);

	check_lanes(object, &sums);
	if (object->kind == OBJECT_QUEUE) {
		check_queue(object, &sums);
		return;
	}
	must(object->lock.held == sums.held);
	must(object->waiting[WANT_ACQUIRE] == 0 || !is_free(object));
	must(object->waiting[WANT_SET] == 0 || !object->set);
	must(object->waiting[WANT_PASS] == 0 || !object->broken);
	must(object->kind != OBJECT_BARRIER || object->waiting[WANT_PASS] < object->size);
}

static void check_holder(int i)
{
	const struct want *want;
	int count = 0;

	TAILQ_FOREACH (want, &holders[i].wants, of_holder) {
		must(requests[want->msgid] == ASKED);
		count++;
	}
	must(waiting[i] == count);
}

static void check_all(void)
{
	const struct object *object;
	uint64_t bytes = 0, count = 0;
	bool stuck[HOLDERS];

	TAILQ_FOREACH (object, &objects.list, link) {
		check_object(object);
		bytes += object->bytes;
		count++;
	}
	must(user->object_bytes == bytes);
	must(user->objects == count);
	find_stuck(stuck);
	for (int i = 0; i < HOLDERS; i++) {
		check_holder(i);
		must(!stuck[i] || !one_each);
	}
}

/* ---- what is done ---------------------------------------------------------------------------------- */

/* NULL: it uses nothing. */
static struct use *any_use(int holder)
{
	struct use *use, *any = NULL;
	uint32_t count = 0;

	TAILQ_FOREACH (use, &holders[holder].uses, of_holder)
		if (chance(++count) == 0)
			any = use;
	return any;
}

static void open_any(int holder)
{
	uint32_t i = chance(OBJECTS);
	const struct object_terms terms = {.kind = kinds[i].kind,
		.name = kinds[i].name,
		.name_len = strlen(kinds[i].name),
		.create = true,
		.persistent = chance(4) == 0,
		.size = kinds[i].size,
		.duplex = -1};
	struct use *use;
	bool created;

	must(object_open(&objects, &holders[holder], user, &terms, &use, &created) == RUCHE_OK);
}

static void add_items(struct want *want)
{
	for (uint32_t count = 1 + chance(12); count > 0; count--) {
		struct item *item = item_new(want->use->object, "item", chance(5));

		if (item != NULL)
			TAILQ_INSERT_TAIL(&want->items, item, link);
	}
}

static void ask_for(struct use *use, enum want_kind kind)
{
	struct want want = {.use = use,
		.kind = kind,
		.msgid = ++last_msgid,
		.wants_answer = true,
		.at_once = chance(8) == 0,
		.ack = kind == WANT_GET && chance(2) == 0,
		.max = 1 + chance(4),
		.max_len = 200};

	TAILQ_INIT(&want.items);
	if (kind == WANT_PUT)
		add_items(&want);
	requests[want.msgid] = ASKED;
	object_ask(&want, chance(3) == 0 ? now + chance(TIME_MAX) : UINT64_MAX);
}

static void ask_any(int holder)
{
	struct use *use = any_use(holder);

	if (use == NULL || (one_each && waiting[holder] > 0) || waiting[holder] > 8)
		return;
	for (int kind = 0; kind < WANT_KINDS; kind++)
		if (object_serves(use->object, (enum want_kind)kind) && chance(2) == 0) {
			ask_for(use, (enum want_kind)kind);
			return;
		}
}

static void settle_any(struct use *use)
{
	uint64_t tokens[4];
	size_t count = 0;

	for (const struct item *item = NULL; count < 4;) {
		item = item_tree_after(&use->unacked, item != NULL ? item->token : 0);
		if (item == NULL)
			break;
		if (chance(2) == 0)
			tokens[count++] = item->token;
	}
	must(object_settle_items(use, tokens, count, chance(2) == 0) == count);
}

static void act_on_queue(struct use *use)
{
	if (chance(100) == 0)
		object_end_queue(use->object);
	else if (chance(2) == 0)
		settle_any(use);
	else
		object_task_done(use, chance(4));
}

static void act_on_signal(struct use *use)
{
	if (use->object->kind == OBJECT_EVENT)
		object_set(use->object, chance(2) == 0);
	else if (chance(20) == 0)
		object_break(use->object);
	else if (use->object->broken)
		object_mend(use->object);
}

static void act(int holder)
{
	struct use *use = any_use(holder);
	uint64_t told;

	if (use == NULL || use->object->removed)
		return;
	if (use->object->kind == OBJECT_QUEUE)
		act_on_queue(use);
	else if (!object_serves(use->object, WANT_ACQUIRE))
		act_on_signal(use);
	else if (use->object->kind == OBJECT_CONDITION && chance(2) == 0)
		object_notify(use, chance(3), &told);
	else
		object_release(use);
}

static void cancel_any(int holder)
{
	const struct want *want = TAILQ_LAST(&holders[holder].wants, want_list);

	if (want != NULL)
		must(holder_cancel(&holders[holder], want->msgid));
}

static void close_any(int holder)
{
	struct use *use = any_use(holder);

	if (use != NULL)
		object_close(use);
}

static void remove_any(int holder)
{
	struct use *use = any_use(holder);

	if (use != NULL && !use->object->removed)
		object_remove(use->object);
}

static void die(int holder)
{
	const struct want *want;

	TAILQ_FOREACH (want, &holders[holder].wants, of_holder)
		requests[want->msgid] = DEAD;
	holder_end(&holders[holder]);
	holder_init(&holders[holder], NULL);
}

static void end_task(int holder)
{
	holder_cancel_all(&holders[holder]);
	holder_release(&holders[holder]);
	must(waiting[holder] == 0);
}

static void pass_time(int holder)
{
	struct alarm *first;

	(void)holder;
	now += chance(TIME_MAX / 4);
	while ((first = alarms_first(&alarms)) != NULL && first->at <= now) {
		alarms_clear(&alarms, first);
		want_on_time((struct want *)((char *)first - offsetof(struct want, alarm)));
	}
}

static void step(void)
{
	static const struct {
		uint32_t share;
		void (*act)(int holder);
	} acts[] = {{450, ask_any}, {300, act}, {110, open_any}, {70, pass_time}, {30, cancel_any},
		{20, close_any}, {4, remove_any}, {8, die}, {8, end_task}};
	uint32_t at = chance(1000), i = 0;

	for (; at >= acts[i].share; i++)
		at -= acts[i].share;
	acts[i].act((int)chance(HOLDERS));
}

/* ---- the tests ------------------------------------------------------------------------------------- */

static void set_up(void)
{
	objects_init(&objects, &users, &alarms);
	objects.answer = on_answer;
	objects.on_wait = on_wait;
	objects.on_free = on_free;
	objects.user_objects = 1000;
	objects.user_bytes = 4096;
	user = users_get(&users, 7);
	user_ref(user);
	for (int i = 0; i < HOLDERS; i++)
		holder_init(&holders[i], NULL);
}

static void tear_down(void)
{
	for (int i = 0; i < HOLDERS; i++)
		die(i);
	objects_fini(&objects);
	must(user->object_bytes == 0);
	must(alarms_first(&alarms) == NULL);
	for (uint32_t i = 1; i <= last_msgid; i++)
		must(requests[i] != ASKED);
	user_unref(&users, user);
	users_fini(&users);
	alarms_fini(&alarms);
}

START_TEST(who_waits_cannot_go_on_and_nothing_is_lost_whatever_is_done)
{
	one_each = _i == 0;
	for (steps = 0; steps < STEPS; steps++) {
		step();
		check_all();
	}
	must(last_msgid > STEPS / 20);
}
END_TEST

void add_core_object_model(Suite *suite)
{
	TCase *tcase = tcase_create("object model");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(
		tcase, who_waits_cannot_go_on_and_nothing_is_lost_whatever_is_done, 0, 2);
	suite_add_tcase(suite, tcase);
}
