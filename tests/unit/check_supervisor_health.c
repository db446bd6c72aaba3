/* SPDX-License-Identifier: MIT */
/* What the watchdog takes for a daemon that makes no progress. */
#include "check_supervisor.h"

#include "supervisor/forkserver.h"
#include "supervisor/health.h"
#include "supervisor/supervisor.h"
#include "supervisor/worker.h"

static struct supervisor sup;
static struct pool pool, *pools[1];
static struct forkserver forkserver;
static struct task_table tasks;
static struct queue_client client;
static struct health health;

static void set_up(void)
{
	sup = (struct supervisor){.state = SUPERVISOR_RUNNING, .pools = pools, .pool_count = 1};
	pool = (struct pool){.forkserver = &forkserver};
	pools[0] = &pool;
	forkserver = (struct forkserver){.ready = true, .pid = 1};
	client = (struct queue_client){0};
	health = (struct health){0};
	task_table_init(&tasks);
	ck_assert_int_eq(scheduler_init(&pool.scheduler, 2), 0);
	pool.scheduler.width = 1;
	slot_change(scheduler_want_slot(&pool.scheduler, 0), SLOT_ON_FORK);
	slot_change(&pool.scheduler.slots[0], SLOT_ON_READY);
}

static void tear_down(void)
{
	scheduler_fini(&pool.scheduler);
	queue_client_fini(&client);
	task_table_fini(&tasks);
}

static void enqueue(void)
{
	struct task *task = task_new(&tasks);

	task->flow = queue_flow(&pool.scheduler.queue, &client, 0);
	queue_push(task);
}

START_TEST(daemon_with_nothing_to_do_is_well)
{
	for (int i = 0; i < 3; i++)
		ck_assert_ptr_null(health_look(&health, &sup));
}
END_TEST

START_TEST(task_that_waits_beside_an_idle_worker_is_suspect_once_and_a_fault_twice)
{
	enqueue();
	ck_assert_ptr_null(health_look(&health, &sup));
	ck_assert_str_eq(health_look(&health, &sup), "tasks wait while workers have nothing to do");
}
END_TEST

START_TEST(as_long_as_tasks_end_all_is_well)
{
	enqueue();
	for (int i = 0; i < 5; i++) {
		sup.counters.done++;
		ck_assert_ptr_null(health_look(&health, &sup));
	}
}
END_TEST

/* A worker that is only tried, that leaves, or that takes the place of one that runs no more than it may. */
START_TEST(worker_that_may_not_be_used_is_none)
{
	struct slot *slot = &pool.scheduler.slots[0];

	enqueue();
	slot->reserve = _i == 0;
	slot->leaving = _i == 1;
	pool.scheduler.width = _i == 2 ? 0 : 1;
	for (int i = 0; i < 3; i++)
		ck_assert_ptr_null(health_look(&health, &sup));
}
END_TEST

START_TEST(fault_that_has_gone_is_none)
{
	enqueue();
	health_look(&health, &sup);
	ck_assert_ptr_nonnull(health_look(&health, &sup));
	queue_take(queue_first(&pool.scheduler.queue));
	ck_assert_ptr_null(health_look(&health, &sup));
}
END_TEST

START_TEST(paused_pool_is_well)
{
	enqueue();
	pool.paused = true;
	for (int i = 0; i < 3; i++)
		ck_assert_ptr_null(health_look(&health, &sup));
}
END_TEST

START_TEST(daemon_that_ends_is_well)
{
	enqueue();
	sup.state = SUPERVISOR_STOPPING;
	for (int i = 0; i < 3; i++)
		ck_assert_ptr_null(health_look(&health, &sup));
}
END_TEST

START_TEST(worker_that_nobody_makes_is_a_fault)
{
	scheduler_want_slot(&pool.scheduler, 0);
	ck_assert_uint_eq(scheduler_count(&pool.scheduler, SLOT_EMPTY), 1);
	ck_assert_ptr_null(health_look(&health, &sup));
	ck_assert_str_eq(health_look(&health, &sup), "workers are missing and are not made");
}
END_TEST

START_TEST(worker_that_is_on_its_way_is_none)
{
	static struct worker worker;

	scheduler_want_slot(&pool.scheduler, 0);
	forkserver.pending = &worker;
	for (int i = 0; i < 3; i++)
		ck_assert_ptr_null(health_look(&health, &sup));
}
END_TEST

void add_supervisor_health(Suite *suite)
{
	TCase *tc = tcase_create("health");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, daemon_with_nothing_to_do_is_well);
	tcase_add_test(tc, task_that_waits_beside_an_idle_worker_is_suspect_once_and_a_fault_twice);
	tcase_add_test(tc, as_long_as_tasks_end_all_is_well);
	tcase_add_loop_test(tc, worker_that_may_not_be_used_is_none, 0, 3);
	tcase_add_test(tc, fault_that_has_gone_is_none);
	tcase_add_test(tc, paused_pool_is_well);
	tcase_add_test(tc, daemon_that_ends_is_well);
	tcase_add_test(tc, worker_that_nobody_makes_is_a_fault);
	tcase_add_test(tc, worker_that_is_on_its_way_is_none);
	suite_add_tcase(suite, tc);
}
