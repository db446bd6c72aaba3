/* SPDX-License-Identifier: MIT */
/* A pool's policy: which task goes to which slot. */
#include "check_core.h"

#include "core/queue.h"
#include "core/scheduler.h"

enum { WIDTH = 2, SLOTS = 4 };

static struct task_table tasks;
static struct scheduler scheduler;
static struct queue_client ours, theirs;
static uint32_t next_seq;

static void set_up(void)
{
	next_seq = 1;
	task_table_init(&tasks);
	ours = theirs = (struct queue_client){0};
	ck_assert_int_eq(scheduler_init(&scheduler, SLOTS), 0);
	scheduler.width = WIDTH;
	for (int i = 0; i < WIDTH; i++) {
		struct slot *slot = scheduler_want_slot(&scheduler, i);

		slot_change(slot, SLOT_ON_FORK);
		slot_change(slot, SLOT_ON_READY);
		slot->idle_since = 100 * (uint64_t)(i + 1);
	}
}

static void tear_down(void)
{
	scheduler_fini(&scheduler);
	queue_client_fini(&ours);
	queue_client_fini(&theirs);
	task_table_fini(&tasks);
}

static struct task *enqueue_of(struct queue_client *client, int priority)
{
	struct task *task = task_new(&tasks);

	task->flow = queue_flow(&scheduler.queue, client, priority);
	queue_push(task);
	return task;
}

static void enqueue(int count)
{
	while (count-- > 0)
		enqueue_of(&ours, 0);
}

static void push(struct slot *slot, struct task *task)
{
	queue_take(task);
	task->flow->in_flight++;
	slot_push(slot, next_seq++, task, 0);
}

/* Hands out the first task; the slot it went to, NULL if to none. */
static struct slot *hand(void)
{
	struct task *task = queue_first(&scheduler.queue);
	struct slot *slot = task != NULL ? scheduler_pick_slot(&scheduler, task) : NULL;

	if (slot != NULL)
		push(slot, task);
	return slot;
}

static void hand_all(void)
{
	while (hand() != NULL)
		;
}

/* ---- where to --------------------------------------------------------------------------- */

START_TEST(most_recently_idle_slot_is_first)
{
	enqueue(1);
	ck_assert_ptr_eq(hand(), &scheduler.slots[1]);
}
END_TEST

START_TEST(idle_slot_comes_before_a_busy_one)
{
	enqueue(2);
	ck_assert_ptr_eq(hand(), &scheduler.slots[1]);
	ck_assert_ptr_eq(hand(), &scheduler.slots[0]);
}
END_TEST

START_TEST(busy_slot_with_little_to_do_comes_before_an_idle_one)
{
	enqueue(4);
	hand();
	scheduler.slots[1].service = SCHEDULER_SPILL / 2;
	ck_assert_ptr_eq(hand(), &scheduler.slots[1]);
	ck_assert_ptr_eq(hand(), &scheduler.slots[0]); /* it has enough now */
}
END_TEST

START_TEST(little_work_is_left_to_its_slot_until_it_stalls)
{
	uint32_t count;

	enqueue(2);
	hand();
	scheduler.slots[1].service = SCHEDULER_SPILL / 3;
	hand();
	ck_assert_uint_eq(scheduler.slots[1].live, 2);
	ck_assert_ptr_null(scheduler_pick_victim(&scheduler, &count));
	scheduler.slots[1].service = SCHEDULER_SPILL;
	ck_assert_ptr_eq(scheduler_pick_victim(&scheduler, &count), &scheduler.slots[1]);
}
END_TEST

START_TEST(turns_are_longer_the_shorter_tasks_are)
{
	static const struct {
		uint64_t service;
		uint32_t burst;
	} cases[] = {{0, 1}, {1, 32}, {SCHEDULER_TURN / 5, 5}, {SCHEDULER_TURN, 1},
		{50 * SCHEDULER_TURN, 1}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		scheduler.slots[0].service = cases[i].service;
		scheduler_set_turns(&scheduler);
		ck_assert_uint_eq(scheduler.queue.burst, cases[i].burst);
	}
}
END_TEST

START_TEST(more_goes_to_the_slot_with_fewest)
{
	enqueue(6);
	hand_all();
	ck_assert_uint_eq(scheduler.slots[0].live, 3);
	ck_assert_uint_eq(scheduler.slots[1].live, 3);
	ck_assert_ptr_null(queue_first(&scheduler.queue));
}
END_TEST

START_TEST(queue_keeps_what_no_slot_takes)
{
	enqueue(2 * SLOT_AHEAD + 5);
	hand_all();
	ck_assert_uint_eq(scheduler.queue.count, 5);
	ck_assert_uint_eq(scheduler_in_flight(&scheduler), 2 * SLOT_AHEAD);
}
END_TEST

START_TEST(plenty_of_work_is_not_handed_deeper)
{
	scheduler.slots[0].service = scheduler.slots[1].service =
		SCHEDULER_SPILL / (2 * SLOT_AHEAD);
	enqueue(SCHEDULER_PLENTY + 4 * SLOT_DEPTH);
	scheduler_set_ahead(&scheduler);
	hand_all();
	ck_assert_uint_le(scheduler_in_flight(&scheduler), 2 * (2 * SLOT_AHEAD + 1));
	scheduler.slots[0].service = scheduler.slots[1].service = 0; /* not known */
	while (scheduler.slots[0].live > 0)
		slot_pop(&scheduler.slots[0], 300);
	hand_all();
	ck_assert_uint_eq(scheduler.slots[0].live, SLOT_AHEAD);
}
END_TEST

START_TEST(many_go_to_the_slot_at_home_first_whether_it_is_idle_or_near)
{
	enqueue(SCHEDULER_MANY);
	scheduler_set_home(&scheduler, 0);
	ck_assert_ptr_eq(hand(), &scheduler.slots[0]); /* though the other was idle later */
	ck_assert_ptr_eq(hand(), &scheduler.slots[1]);
	scheduler.slots[0].service = scheduler.slots[1].service = SCHEDULER_SPILL / 10;
	scheduler_set_home(&scheduler, 1);
	ck_assert_ptr_eq(hand(), &scheduler.slots[0]); /* they are too few by now */
	enqueue(SCHEDULER_MANY);
	scheduler_set_home(&scheduler, 1);
	ck_assert_ptr_eq(hand(), &scheduler.slots[1]);
	scheduler_set_home(&scheduler, 0);
	ck_assert_ptr_eq(hand(), &scheduler.slots[0]);
}
END_TEST

START_TEST(a_slot_that_is_not_pinned_is_nowhere_at_home)
{
	scheduler.slots[0].core = scheduler.slots[1].core = -1;
	enqueue(SCHEDULER_MANY);
	scheduler_set_home(&scheduler, -1);
	ck_assert_ptr_eq(hand(), &scheduler.slots[1]);
}
END_TEST

static uint32_t any(uint32_t limit)
{
	static uint32_t state = 1;

	state = state * 1664525 + 1013904223; /* Numerical Recipes' generator */
	return (state >> 8) % limit;
}

/* New services, new tasks, and some that end. */
static void change_something(void)
{
	struct slot *slot = &scheduler.slots[any(WIDTH)];

	if (any(4) == 0)
		slot->service = any(2) == 0 ? any(SCHEDULER_SPILL) : any(100);
	if (any(1000) == 0)
		enqueue(2 * SCHEDULER_PLENTY);
	else if (scheduler.queue.count < 4 * SCHEDULER_MANY)
		enqueue((int)any(8));
	for (uint32_t ended = any(8); ended > 0 && slot->live > 0; ended--)
		slot_pop(slot, next_seq);
	scheduler_set_home(&scheduler, (int)any(WIDTH + 1) - 1);
	scheduler_set_ahead(&scheduler);
}

/* As long as a slot has little, tasks that follow each other go where each of them would go alone. */
START_TEST(what_may_follow_would_be_handed_there_by_itself)
{
	int followed = 0, deep = 0;

	for (int i = 0; i < 20000; i++) {
		struct slot *slot = hand();
		const struct task *next = queue_first(&scheduler.queue);

		if (slot != NULL && next != NULL && scheduler_is_near(&scheduler, slot, next)) {
			ck_assert_ptr_eq(scheduler_pick_slot(&scheduler, next), slot);
			followed++;
			deep += slot->live > 2 * SLOT_AHEAD;
		} else {
			change_something();
		}
	}
	ck_assert_int_gt(followed, 1000);
	ck_assert_int_gt(deep, 100);
}
END_TEST

/* When so many wait: how many tiny ones a slot is given. */
static uint32_t given_of(size_t count)
{
	struct slot *slot = &scheduler.slots[0];

	enqueue((int)(count - scheduler.queue.count));
	scheduler_set_ahead(&scheduler);
	slot->service = 1;
	do
		push(slot, queue_first(&scheduler.queue));
	while (scheduler_is_near(&scheduler, slot, queue_first(&scheduler.queue)));
	count = slot->live;
	while (slot->live > 0)
		slot_pop(slot, next_seq);
	return (uint32_t)count;
}

START_TEST(tiny_tasks_are_handed_half_as_far_ahead_as_there_are)
{
	ck_assert_uint_eq(given_of(2 * SLOT_AHEAD - 20), SLOT_AHEAD);
	ck_assert_uint_eq(given_of(2 * SLOT_AHEAD + 20), SLOT_AHEAD + 10);
	ck_assert_uint_eq(given_of(SCHEDULER_PLENTY), 2 * SLOT_AHEAD);
	ck_assert_uint_eq(given_of(SCHEDULER_PLENTY + 1), SLOT_DEPTH);
}
END_TEST

START_TEST(tasks_with_workers_count_for_how_far_ahead_others_are_handed)
{
	enqueue(3 * SLOT_AHEAD);
	for (int i = 0; i < 2 * SLOT_AHEAD; i++)
		push(&scheduler.slots[i % 2], queue_first(&scheduler.queue));
	scheduler_set_ahead(&scheduler);
	ck_assert_uint_eq(scheduler.ahead, 3 * SLOT_AHEAD / 2);
}
END_TEST

START_TEST(how_many_there_were_is_forgotten_by_and_by)
{
	given_of(SCHEDULER_PLENTY + SLOT_DEPTH / 2);
	for (int i = 0; i < 10; i++)
		scheduler_set_ahead(&scheduler);
	ck_assert_uint_eq(scheduler.ahead, SLOT_DEPTH); /* though there are fewer by now */
	given_of(scheduler.queue.count);
	for (int i = 0; i < 1000; i++)
		scheduler_set_ahead(&scheduler);
	ck_assert_uint_eq(scheduler.most, scheduler.queue.count);
}
END_TEST

START_TEST(victim_is_the_slot_with_most_waiting)
{
	uint32_t count = 0;

	enqueue(7);
	hand_all();
	while (scheduler.slots[0].live > 0)
		slot_pop(&scheduler.slots[0], 300);
	ck_assert_ptr_eq(scheduler_find_idle(&scheduler), &scheduler.slots[0]);
	ck_assert_ptr_eq(scheduler_pick_victim(&scheduler, &count), &scheduler.slots[1]);
	ck_assert_uint_eq(count, scheduler.slots[1].live / 2);
}
END_TEST

/* Slot `i` has so many in flight, each of which takes so long. */
static void load(uint32_t i, int count, uint64_t service)
{
	while (count-- > 0)
		push(&scheduler.slots[i], enqueue_of(&ours, 0));
	scheduler.slots[i].service = service;
}

START_TEST(who_has_most_is_the_victim_among_several)
{
	uint32_t count = 0;

	load(0, 2, 0);
	load(1, 5, 0);
	ck_assert_ptr_eq(scheduler_pick_victim(&scheduler, &count), &scheduler.slots[1]);
	ck_assert_uint_eq(count, 2);
	load(0, 7, 0);
	ck_assert_ptr_eq(scheduler_pick_victim(&scheduler, &count), &scheduler.slots[0]);
	ck_assert_uint_eq(count, 4);
}
END_TEST

START_TEST(shortest_backlog_yields_however_many_they_are)
{
	load(0, 5, 10);
	load(1, 2, 1000);
	ck_assert_ptr_eq(scheduler_pick_yielding(&scheduler), &scheduler.slots[0]);
	scheduler.slots[0].service = 1000;
	ck_assert_ptr_eq(scheduler_pick_yielding(&scheduler), &scheduler.slots[1]);
}
END_TEST

START_TEST(who_has_handed_ahead_nothing_does_not_yield)
{
	load(0, 1, 1);
	load(1, 2, 1000);
	ck_assert_ptr_eq(scheduler_pick_yielding(&scheduler), &scheduler.slots[1]);
}
END_TEST

START_TEST(slot_that_only_runs_its_task_is_no_victim)
{
	uint32_t count;

	enqueue(1);
	hand();
	ck_assert_ptr_null(scheduler_pick_victim(&scheduler, &count));
	ck_assert_ptr_null(scheduler_pick_yielding(&scheduler));
}
END_TEST

START_TEST(pool_is_dead_when_every_slot_is_given_up)
{
	for (int i = 0; i < WIDTH; i++) {
		ck_assert(!scheduler_is_dead(&scheduler));
		slot_change(&scheduler.slots[i], SLOT_ON_DEATH);
		slot_change(&scheduler.slots[i], SLOT_ON_GIVE_UP);
	}
	ck_assert(scheduler_is_dead(&scheduler));
	enqueue(1);
	ck_assert_ptr_null(hand());
}
END_TEST

START_TEST(pool_that_wants_no_worker_is_not_dead_but_one_with_only_failed_ones_is)
{
	for (int i = 0; i < WIDTH; i++) {
		slot_change(&scheduler.slots[i], SLOT_ON_DEATH);
		slot_change(&scheduler.slots[i], SLOT_ON_DISMISS);
	}
	ck_assert(!scheduler_is_dead(&scheduler));
	slot_change(&scheduler.slots[0], SLOT_ON_WANT);
	slot_change(&scheduler.slots[0], SLOT_ON_GIVE_UP);
	ck_assert(scheduler_is_dead(&scheduler));
}
END_TEST

START_TEST(slot_that_leaves_is_kept_or_has_had_its_tasks_takes_no_more)
{
	enqueue(2);
	scheduler.slots[0].leaving = true;
	scheduler.slots[1].reserve = true;
	ck_assert_ptr_null(hand());
	scheduler.slots[1].reserve = false;
	scheduler.slots[1].handed_max = 1;
	ck_assert_ptr_eq(hand(), &scheduler.slots[1]);
	ck_assert_ptr_null(hand());
}
END_TEST

/* ---- who goes first ----------------------------------------------------------------------- */

/* Slot 0 has these in flight, each of which takes longer than is worth waiting for. */
static struct slot *fill_slot(struct queue_client *client, int priority, int count)
{
	struct slot *slot = &scheduler.slots[0];

	while (count-- > 0)
		push(slot, enqueue_of(client, priority));
	slot->service = 2 * SCHEDULER_PATIENCE;
	return slot;
}

START_TEST(higher_priority_does_not_wait_behind_what_was_handed_ahead)
{
	struct slot *slot = fill_slot(&ours, 0, 3);

	ck_assert_uint_eq(scheduler_find_place(&tasks, slot, enqueue_of(&ours, 1)), 1);
	ck_assert_uint_eq(scheduler_find_place(&tasks, slot, enqueue_of(&ours, 0)), 0);
	ck_assert_uint_eq(scheduler_find_place(&tasks, slot, enqueue_of(&ours, -1)), 0);
}
END_TEST

START_TEST(client_with_nothing_in_flight_does_not_wait_for_one_with_much)
{
	struct slot *slot = fill_slot(&ours, 0, 3);

	struct task *task = enqueue_of(&theirs, 0);

	ck_assert_uint_eq(scheduler_find_place(&tasks, slot, task), 1);
	ck_assert_ptr_eq(scheduler_pick_yielding(&scheduler), slot);
	task->flow->in_flight = 1;
	ck_assert_uint_eq(scheduler_find_place(&tasks, slot, task), 0);
}
END_TEST

/* As clients do that come back as soon as they are answered. */
START_TEST(client_that_was_served_last_lets_one_task_of_another_go_first)
{
	struct slot *slot = fill_slot(&ours, 0, 4);
	struct task *task = enqueue_of(&theirs, 0);
	struct flow *other = queue_flow(&scheduler.queue, &ours, 0);

	ck_assert_uint_eq(scheduler_find_place(&tasks, slot, task), 1);
	queue_note_run(task->flow);
	ck_assert_uint_eq(scheduler_find_place(&tasks, slot, task), 1); /* that one is at work */
	queue_note_run(other);
	ck_assert_uint_eq(scheduler_find_place(&tasks, slot, task), 1);
}
END_TEST

START_TEST(clients_that_come_back_in_turn_let_the_others_have_theirs)
{
	struct slot *slot = fill_slot(&theirs, 0, 1);
	struct queue_client third = {0};
	struct task *task = enqueue_of(&third, 0);

	fill_slot(&ours, 0, 3);
	ck_assert_uint_eq(scheduler_find_place(&tasks, slot, task), 1);
	queue_note_run(task->flow);
	ck_assert_uint_eq(scheduler_find_place(&tasks, slot, task), 2);
	task->flow->level++; /* what is more important owes nothing */
	ck_assert_uint_eq(scheduler_find_place(&tasks, slot, task), 1);
	task->flow->level--;
	queue_note_run(queue_flow(&scheduler.queue, &ours, 0));
	ck_assert_uint_eq(scheduler_find_place(&tasks, slot, task), 1);
	queue_remove(task);
	queue_client_fini(&third);
}
END_TEST

START_TEST(short_wait_makes_nothing_urgent)
{
	struct slot *slot = fill_slot(&ours, 0, 2);
	struct task *task = enqueue_of(&ours, 1);

	slot->service = SCHEDULER_PATIENCE / 2 - 1;
	ck_assert_uint_eq(scheduler_find_place(&tasks, slot, task), 0);
	slot->service = SCHEDULER_PATIENCE / 2;
	ck_assert_uint_eq(scheduler_find_place(&tasks, slot, task), 1);
}
END_TEST

START_TEST(running_task_alone_gives_way_to_nobody)
{
	struct slot *slot = fill_slot(&ours, 0, 1);

	ck_assert_uint_eq(scheduler_find_place(&tasks, slot, enqueue_of(&ours, 10)), 0);
}
END_TEST

START_TEST(client_with_one_in_flight_is_not_overtaken)
{
	struct slot *slot = fill_slot(&theirs, 1, 1);
	struct task *task = enqueue_of(&theirs, 0);

	fill_slot(&ours, 0, 1);
	ck_assert_uint_eq(scheduler_find_place(&tasks, slot, task), 0);
	push(&scheduler.slots[1], enqueue_of(&ours, 0)); /* its second */
	ck_assert_uint_eq(scheduler_find_place(&tasks, slot, task), 1);
}
END_TEST

START_TEST(what_runs_is_not_overtaken_and_what_is_ahead_keeps_its_precedence)
{
	struct slot *slot = fill_slot(&ours, 0, 1);

	fill_slot(&theirs, 5, 3);
	ck_assert_uint_eq(scheduler_find_place(&tasks, slot, enqueue_of(&ours, 3)), 0);
	ck_assert_uint_eq(scheduler_find_place(&tasks, slot, enqueue_of(&ours, 6)), 1);
}
END_TEST

START_TEST(what_was_taken_back_makes_nothing_urgent)
{
	struct slot *slot = fill_slot(&ours, 5, 1);
	struct task *task = enqueue_of(&ours, 3);

	fill_slot(&ours, 0, 1);
	fill_slot(&ours, 5, 1);
	ck_assert_uint_eq(scheduler_find_place(&tasks, slot, task), 1);
	slot_take_back(slot, slot_entry_at(slot, 1));
	ck_assert_uint_eq(scheduler_find_place(&tasks, slot, task), 0);
}
END_TEST

/* ---- lending ------------------------------------------------------------------------------ */

START_TEST(no_more_slots_than_wide_run_at_a_time)
{
	struct slot *third = scheduler_want_slot(&scheduler, -1);

	slot_change(third, SLOT_ON_FORK);
	slot_change(third, SLOT_ON_READY);
	enqueue(4);
	hand_all();
	ck_assert_uint_eq(third->live, 0); /* and nothing goes to it: the others get it ahead */
	ck_assert_uint_eq(scheduler_in_flight(&scheduler), 4);
	ck_assert_ptr_null(scheduler_find_idle(&scheduler));
}
END_TEST

START_TEST(slot_that_lends_its_place_lets_another_run)
{
	struct slot *third = scheduler_want_slot(&scheduler, -1);

	slot_change(third, SLOT_ON_FORK);
	slot_change(third, SLOT_ON_READY);
	third->idle_since = 0;
	enqueue(3);
	ck_assert_ptr_eq(hand(), &scheduler.slots[1]);
	ck_assert_ptr_eq(hand(), &scheduler.slots[0]);
	scheduler.slots[0].lending = true;
	ck_assert_uint_eq(scheduler_lending(&scheduler), 1);
	ck_assert_ptr_eq(hand(), third);
}
END_TEST

START_TEST(slots_are_wanted_up_to_the_most_and_absent_ones_again)
{
	struct slot *third = scheduler_want_slot(&scheduler, 7);
	struct slot *fourth = scheduler_want_slot(&scheduler, 7);

	ck_assert_uint_eq(third->index, 2);
	ck_assert_uint_eq(fourth->index, 3);
	ck_assert_ptr_null(scheduler_want_slot(&scheduler, 7));
	third->reserve = true;
	third->replaces = 1;
	slot_change(third, SLOT_ON_DISMISS);
	ck_assert_ptr_eq(scheduler_want_slot(&scheduler, 1), third);
	ck_assert_int_eq(third->core, 1);
	ck_assert(!third->reserve); /* nor what it was before */
	ck_assert_uint_eq(third->replaces, 0);
	ck_assert_uint_eq(scheduler_count(&scheduler, SLOT_EMPTY), 2);
}
END_TEST

/* ---- processes */

static struct task *enqueue_process(void)
{
	struct task *task = task_new(&tasks);

	task->process = task->exclusive = true;
	task->flow = queue_flow(&scheduler.processes, &ours, 0);
	queue_push(task);
	return task;
}

/* A worker for one, that has come. */
static struct slot *add_for_process(void)
{
	struct slot *slot = scheduler_want_slot(&scheduler, -1);

	ck_assert_ptr_nonnull(slot);
	slot->process = true;
	ck_assert_ptr_null(scheduler_pick_for_process(&scheduler));
	slot_change(slot, SLOT_ON_FORK);
	slot_change(slot, SLOT_ON_READY);
	return slot;
}

START_TEST(process_goes_to_a_slot_of_its_own_and_nothing_else_does)
{
	struct task *process = enqueue_process();
	struct slot *slot;

	ck_assert_ptr_null(scheduler_pick_for_process(&scheduler));
	ck_assert_uint_eq(scheduler_awaiting(&scheduler), 0);
	slot = add_for_process();
	ck_assert_uint_eq(scheduler_awaiting(&scheduler), 1);
	ck_assert_ptr_eq(scheduler_pick_for_process(&scheduler), slot);
	enqueue(300);
	hand_all();
	ck_assert_uint_eq(slot->live, 0);
	ck_assert_ptr_eq(queue_first(&scheduler.processes), process);
	push(slot, process);
	ck_assert_uint_eq(scheduler_awaiting(&scheduler), 0);
	ck_assert_ptr_null(scheduler_pick_for_process(&scheduler));
	hand_all();
	ck_assert_uint_eq(slot->live, 1);
}
END_TEST

START_TEST(process_takes_no_place_of_the_pool_and_has_none_to_lend)
{
	struct slot *slot = add_for_process();

	push(slot, enqueue_process());
	enqueue(WIDTH);
	ck_assert_ptr_nonnull(hand());
	ck_assert_ptr_nonnull(hand());
	ck_assert_uint_eq(scheduler_running(&scheduler), WIDTH);
	slot->lending = true;
	ck_assert(!scheduler_lends(slot));
	ck_assert_uint_eq(scheduler_lending(&scheduler), 0);
	scheduler.slots[0].lending = true;
	ck_assert_uint_eq(scheduler_lending(&scheduler), 1);
}
END_TEST

START_TEST(slot_of_a_process_that_leaves_awaits_none)
{
	struct slot *slot = add_for_process();

	slot->leaving = true;
	ck_assert_ptr_null(scheduler_pick_for_process(&scheduler));
	ck_assert_uint_eq(scheduler_awaiting(&scheduler), 0);
	slot->leaving = false;
	slot_change(slot, SLOT_ON_STOP);
	ck_assert_uint_eq(scheduler_awaiting(&scheduler), 0);
	slot_change(slot, SLOT_ON_DEATH);
	slot_change(slot, SLOT_ON_DISMISS);
	ck_assert_ptr_eq(scheduler_want_slot(&scheduler, 0), slot);
	ck_assert(!slot->process); /* it was one before */
}
END_TEST

static void give_up(struct slot *slot)
{
	slot_change(slot, SLOT_ON_DEATH);
	slot_change(slot, SLOT_ON_GIVE_UP);
}

START_TEST(processes_have_no_hope_when_all_slots_that_await_one_are_given_up)
{
	struct slot *first = add_for_process(), *second;

	ck_assert(!scheduler_is_dead_for_processes(&scheduler));
	push(first, enqueue_process());
	second = add_for_process();
	ck_assert(!scheduler_is_dead_for_processes(&scheduler));
	give_up(second);
	ck_assert(scheduler_is_dead_for_processes(&scheduler)); /* the first one has its own */
	ck_assert(!scheduler_is_dead(&scheduler));
	give_up(&scheduler.slots[0]);
	give_up(&scheduler.slots[1]);
	ck_assert(scheduler_is_dead(&scheduler)); /* though that one works */
}
END_TEST

void add_core_scheduler(Suite *suite)
{
	TCase *tc = tcase_create("scheduler");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, most_recently_idle_slot_is_first);
	tcase_add_test(tc, idle_slot_comes_before_a_busy_one);
	tcase_add_test(tc, busy_slot_with_little_to_do_comes_before_an_idle_one);
	tcase_add_test(tc, little_work_is_left_to_its_slot_until_it_stalls);
	tcase_add_test(tc, turns_are_longer_the_shorter_tasks_are);
	tcase_add_test(tc, more_goes_to_the_slot_with_fewest);
	tcase_add_test(tc, queue_keeps_what_no_slot_takes);
	tcase_add_test(tc, many_go_to_the_slot_at_home_first_whether_it_is_idle_or_near);
	tcase_add_test(tc, a_slot_that_is_not_pinned_is_nowhere_at_home);
	tcase_add_test(tc, what_may_follow_would_be_handed_there_by_itself);
	tcase_add_test(tc, plenty_of_work_is_not_handed_deeper);
	tcase_add_test(tc, tiny_tasks_are_handed_half_as_far_ahead_as_there_are);
	tcase_add_test(tc, tasks_with_workers_count_for_how_far_ahead_others_are_handed);
	tcase_add_test(tc, how_many_there_were_is_forgotten_by_and_by);
	tcase_add_test(tc, victim_is_the_slot_with_most_waiting);
	tcase_add_test(tc, who_has_most_is_the_victim_among_several);
	tcase_add_test(tc, shortest_backlog_yields_however_many_they_are);
	tcase_add_test(tc, who_has_handed_ahead_nothing_does_not_yield);
	tcase_add_test(tc, slot_that_only_runs_its_task_is_no_victim);
	tcase_add_test(tc, pool_is_dead_when_every_slot_is_given_up);
	tcase_add_test(tc, pool_that_wants_no_worker_is_not_dead_but_one_with_only_failed_ones_is);
	tcase_add_test(tc, slot_that_leaves_is_kept_or_has_had_its_tasks_takes_no_more);
	tcase_add_test(tc, higher_priority_does_not_wait_behind_what_was_handed_ahead);
	tcase_add_test(tc, client_with_nothing_in_flight_does_not_wait_for_one_with_much);
	tcase_add_test(tc, client_that_was_served_last_lets_one_task_of_another_go_first);
	tcase_add_test(tc, clients_that_come_back_in_turn_let_the_others_have_theirs);
	tcase_add_test(tc, short_wait_makes_nothing_urgent);
	tcase_add_test(tc, running_task_alone_gives_way_to_nobody);
	tcase_add_test(tc, client_with_one_in_flight_is_not_overtaken);
	tcase_add_test(tc, what_runs_is_not_overtaken_and_what_is_ahead_keeps_its_precedence);
	tcase_add_test(tc, what_was_taken_back_makes_nothing_urgent);
	tcase_add_test(tc, no_more_slots_than_wide_run_at_a_time);
	tcase_add_test(tc, slot_that_lends_its_place_lets_another_run);
	tcase_add_test(tc, slots_are_wanted_up_to_the_most_and_absent_ones_again);
	tcase_add_test(tc, process_goes_to_a_slot_of_its_own_and_nothing_else_does);
	tcase_add_test(tc, process_takes_no_place_of_the_pool_and_has_none_to_lend);
	tcase_add_test(tc, slot_of_a_process_that_leaves_awaits_none);
	tcase_add_test(tc, processes_have_no_hope_when_all_slots_that_await_one_are_given_up);
	suite_add_tcase(suite, tc);
}
