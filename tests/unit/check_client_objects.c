/* SPDX-License-Identifier: MIT */

/* Objects of the daemon: what is asked, and what its answers come to. */

#include "check_client.h"
#include "fake_daemon.h"

#include <errno.h>
#include <ruche/objects.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct fake fake;
static struct ruche_object *object;
static uint32_t last_id; /* of a question; each is answered before it is asked */

static void setup(void)
{
	fake_open(&fake);
	last_id = 0;
	object = NULL;
}

static void teardown(void)
{
	fake_close(&fake);
}

static void answer(const char *result_hex)
{
	fake_answer(&fake, ++last_id, result_hex);
}

static void refuse(const char *code)
{
	char hex[256];

	snprintf(hex, sizeof(hex), "82 'code' '%s' 'message' 'it says so'", code);
	fake_refuse(&fake, ++last_id, hex);
}

/* The last question, without its head. */
static void expect(const char *hex)
{
	char all[1024];

	snprintf(all, sizeof(all), "94 00 ce%08x %s", last_id, hex);
	fake_expect(&fake, all);
}

static void open_object(enum ruche_kind kind)
{
	char hex[128];

	snprintf(hex, sizeof(hex), "82 'kind' '%s' 'created' c3", ruche_kind_name(kind));
	answer(hex);
	ck_assert_int_eq(ruche_object_open(fake.ruche, &object, kind, "name", NULL), 0);
	snprintf(hex, sizeof(hex), "'ruche.open' 92 '%s' 'name'", ruche_kind_name(kind));
	expect(hex);
}

/* ---- all kinds */

START_TEST(each_kind_is_opened_by_its_name)
{
	if (_i == RUCHE_PIPE || _i == RUCHE_VALUE) {
		ck_assert_int_eq(
			ruche_object_open(fake.ruche, &object, (enum ruche_kind)_i, "name", NULL),
			-EINVAL);
		return;
	}
	open_object((enum ruche_kind)_i);
	last_id++;
	ruche_object_close(object);
	expect("'ruche.close' 91 'name'");
	ck_assert_uint_eq(ruche_pending(fake.ruche), 0);
}
END_TEST

START_TEST(only_what_is_set_is_said)
{
	const struct ruche_object_options options = {.exclusive = true,
		.existing = true,
		.persistent = true,
		.maxsize = 5,
		.value = 2,
		.parties = 3,
		.one_way = true};

	answer("81 'kind' 'queue'");
	ck_assert_int_eq(ruche_object_open(fake.ruche, &object, RUCHE_QUEUE, "name", &options), 0);
	expect("'ruche.open' 93 'queue' 'name' 87 'create' c2 'exclusive' c3 'persistent' c3"
	       "'maxsize' 05 'value' 02 'parties' 03 'duplex' c2");
}
END_TEST

START_TEST(answer_of_another_kind_is_none_and_is_closed)
{
	answer("81 'kind' 'queue'");
	ck_assert_int_eq(ruche_object_open(fake.ruche, &object, RUCHE_LOCK, "name", NULL), -EPROTO);
	expect("'ruche.open' 92 'lock' 'name'");
	last_id++;
	expect("'ruche.close' 91 'name'");
	answer("05");
	ck_assert_int_eq(ruche_object_open(fake.ruche, &object, RUCHE_LOCK, "name", NULL), -EPROTO);
	ck_assert_ptr_null(object);
}
END_TEST

START_TEST(names_have_1_to_255_bytes)
{
	char name[257];

	memset(name, 'x', sizeof(name));
	name[256] = '\0';
	ck_assert_int_eq(ruche_object_open(fake.ruche, &object, RUCHE_LOCK, name, NULL), -EINVAL);
	ck_assert_int_eq(ruche_object_open(fake.ruche, &object, RUCHE_LOCK, "", NULL), -EINVAL);
	ck_assert_int_eq(ruche_object_remove(fake.ruche, name), -EINVAL);
	answer("81 'kind' 'lock'");
	ck_assert_int_eq(ruche_object_open(fake.ruche, &object, RUCHE_LOCK, name + 1, NULL), 0);
}
END_TEST

START_TEST(objects_are_told_of_and_removed)
{
	struct ruche_reply *reply;
	const void *data;
	size_t len;

	answer("91 81 'name' 'a'");
	ck_assert_int_eq(ruche_objects(fake.ruche, &reply), 0);
	expect("'ruche.objects' 90");
	ck_assert_int_eq(ruche_reply_packed(reply, &data, &len), 0);
	ck_assert_uint_eq(len, 9);
	ruche_reply_free(reply);
	answer("80");
	ck_assert_int_eq(ruche_object_status(fake.ruche, "a", &reply), 0);
	expect("'ruche.object' 91 'a'");
	ruche_reply_free(reply);
	answer("c0");
	ck_assert_int_eq(ruche_object_remove(fake.ruche, "a"), 0);
	expect("'ruche.remove' 91 'a'");
}
END_TEST

static const struct {
	const char *code;
	int r;
} refusals[] = {
	{"timeout", -ETIMEDOUT},
	{"busy", -EAGAIN},
	{"unknown_object", -ENOENT},
	{"exists", -EEXIST},
	{"not_held", -EPERM},
	{"denied", -EACCES},
	{"deadlock", -EDEADLK},
	{"removed", -EIDRM},
	{"broken", -EPIPE},
	{"closed", -EPIPE},
	{"bad_arguments", -EINVAL},
	{"too_large", -EMSGSIZE},
	{"cancelled", -ECANCELED},
	{"shutting_down", -ECONNRESET},
	{"failed", -EPROTO},
	{"unknown_function", -ENOENT},
	{"unknown_task", -ENOENT},
	{"pending", -ETIMEDOUT},
	{"what is this", -EPROTO},
};

START_TEST(each_error_is_an_errno_with_the_words_of_the_daemon)
{
	open_object(RUCHE_LOCK);
	ck_assert_ptr_null(ruche_last_error(fake.ruche));
	refuse(refusals[_i].code);
	ck_assert_int_eq(ruche_acquire(object, -1), refusals[_i].r);
	ck_assert_str_eq(ruche_last_error(fake.ruche)->message, "it says so");
	ck_assert_uint_eq(ruche_pending(fake.ruche), 0);
	answer("c0");
	ck_assert_int_eq(ruche_release(object), 0);
	ck_assert_ptr_null(ruche_last_error(fake.ruche));
}
END_TEST

START_TEST(daemon_that_goes_away_is_a_reset)
{
	open_object(RUCHE_LOCK);
	fake_hang_up(&fake);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(ruche_acquire(object, -1), -ECONNRESET);
		ck_assert_ptr_nonnull(ruche_last_error(fake.ruche));
		ck_assert_int_eq(ruche_last_error(fake.ruche)->code, RUCHE_DISCONNECTED);
		ck_assert_str_eq(
			ruche_last_error(fake.ruche)->message, "the daemon closed the connection");
	}
	ruche_object_close(object);
}
END_TEST

static int set_lock(void)
{
	return ruche_event_set(object);
}

static int remove_nothing(void)
{
	return ruche_object_remove(fake.ruche, "");
}

static int look_at_null(void)
{
	struct ruche_reply *reply;

	return ruche_object_status(fake.ruche, NULL, &reply);
}

static int hand_third_end(void)
{
	return ruche_pipe_hand(fake.ruche, "a", 2, 1, 0);
}

static int open_third_end(void)
{
	struct ruche_pipe *pipe;

	return ruche_pipe_open(fake.ruche, &pipe, "a", 2, NULL);
}

static int open_no_elements(void)
{
	struct ruche_value *value;

	return ruche_value_open(fake.ruche, &value, "a", RUCHE_INT8, 0, NULL, NULL);
}

static int open_pipe_as_object(void)
{
	return ruche_object_open(fake.ruche, &object, RUCHE_PIPE, "a", NULL);
}

static int open_without_name(void)
{
	return ruche_object_open(fake.ruche, &object, RUCHE_LOCK, "", NULL);
}

static int (*const refused_here[])(void) = {
	set_lock,
	remove_nothing,
	look_at_null,
	hand_third_end,
	open_third_end,
	open_no_elements,
	open_pipe_as_object,
	open_without_name,
};

START_TEST(refusal_of_the_library_has_no_words_of_the_daemon)
{
	open_object(RUCHE_LOCK);
	refuse("not_held");
	ck_assert_int_eq(ruche_release(object), -EPERM);
	ck_assert_ptr_nonnull(ruche_last_error(fake.ruche));
	ck_assert_int_eq(refused_here[_i](), -EINVAL);
	ck_assert_ptr_null(ruche_last_error(fake.ruche));
}
END_TEST

START_TEST(other_calls_go_on_meanwhile)
{
	struct ruche_reply *reply;
	uint32_t id;

	open_object(RUCHE_LOCK);
	id = fake_submit(&fake);
	fake_answer(&fake, id, "05");
	last_id = id;
	answer("'acquired'");
	ck_assert_int_eq(ruche_acquire(object, -1), 0);
	ck_assert_int_eq(ruche_next(fake.ruche, &reply), 1);
	ck_assert_uint_eq(ruche_reply_id(reply), id);
	ruche_reply_free(reply);
}
END_TEST

static void acquire_in_callback(void *user, uint32_t id, double value)
{
	(void)id;
	(void)value;
	*(int *)user = ruche_acquire(object, 0);
}

START_TEST(nothing_blocks_in_a_callback)
{
	int r = 0;
	uint32_t id;

	open_object(RUCHE_LOCK);
	ruche_on_progress(fake.ruche, acquire_in_callback, &r);
	id = fake_submit(&fake);
	ck_assert_uint_eq(id, 2);
	fake_send_hex(&fake, "93 02 'ruche.progress' 92 ce00000002 01");
	ck_assert_int_eq(ruche_process(fake.ruche), 0);
	ck_assert_int_eq(r, -EBUSY);
}
END_TEST

/* Freed as well, which a sanitizer sees. */
START_TEST(end_of_the_handle_closes_what_is_open)
{
	open_object(RUCHE_LOCK);
	open_object(RUCHE_BARRIER);
	ruche_close(fake.ruche);
	fake.ruche = NULL;
	last_id++;
	expect("'ruche.close' 91 'name'");
	last_id++;
	expect("'ruche.close' 91 'name'");
}
END_TEST

START_TEST(copy_in_a_fork_says_nothing)
{
	struct ruche_object *first;
	int status;
	pid_t pid;

	open_object(RUCHE_LOCK);
	first = object;
	open_object(RUCHE_EVENT);
	pid = fork();
	if (pid == 0) {
		bool refused = ruche_event_set(object) == -EINVAL;

		ruche_object_close(object);
		ruche_close(fake.ruche);
		_exit(!refused);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_uint_eq(fake_skip(&fake, -1), 0);
	answer("'acquired'");
	ck_assert_int_eq(ruche_acquire(first, -1), 0);
}
END_TEST

START_TEST(null_and_other_kinds_are_refused)
{
	struct ruche_reply *reply;
	uint64_t token;
	size_t count;

	ck_assert_int_eq(ruche_object_open(NULL, &object, RUCHE_LOCK, "a", NULL), -EINVAL);
	ck_assert_int_eq(ruche_object_open(fake.ruche, NULL, RUCHE_LOCK, "a", NULL), -EINVAL);
	ck_assert_int_eq(ruche_object_open(fake.ruche, &object, RUCHE_LOCK, NULL, NULL), -EINVAL);
	ck_assert_int_eq(
		ruche_object_open(fake.ruche, &object, RUCHE_KIND_COUNT, "a", NULL), -EINVAL);
	ck_assert_int_eq(ruche_objects(NULL, &reply), -EINVAL);
	ck_assert_int_eq(ruche_objects(fake.ruche, NULL), -EINVAL);
	ck_assert_int_eq(ruche_object_status(fake.ruche, "a", NULL), -EINVAL);
	ck_assert_int_eq(ruche_object_remove(NULL, "a"), -EINVAL);
	ck_assert_ptr_null(ruche_last_error(NULL));
	ruche_object_close(NULL);
	ck_assert_int_eq(ruche_acquire(NULL, 0), -EINVAL);
	ck_assert_int_eq(ruche_queue_put(NULL, 0, "n"), -EINVAL);
	open_object(RUCHE_QUEUE);
	ck_assert_int_eq(ruche_acquire(object, 0), -EINVAL);
	ck_assert_int_eq(ruche_event_set(object), -EINVAL);
	ck_assert_int_eq(ruche_condition_notify(object, 1), -EINVAL);
	ck_assert_int_eq(ruche_barrier_wait(object, 0, NULL), -EINVAL);
	ck_assert_int_eq(ruche_queue_put(object, 0, NULL), -EINVAL);
	ck_assert_int_eq(ruche_queue_put(object, 0, "?"), -EINVAL);
	ck_assert_int_eq(ruche_queue_put_packed(object, 0, NULL, 0), -EINVAL);
	ck_assert_int_eq(ruche_queue_put_packed(object, 0, "\x01\x02", 2), -EINVAL);
	ck_assert_int_eq(ruche_queue_put_many(object, 0, "\x01", 1, &count), -EINVAL);
	ck_assert_int_eq(ruche_queue_put_many(object, 0, "\x90", 1, NULL), -EINVAL);
	ck_assert_int_eq(ruche_queue_get(object, 0, NULL), -EINVAL);
	ck_assert_int_eq(ruche_queue_get_many(object, 0, 0, &reply), -EINVAL);
	ck_assert_int_eq(ruche_queue_get_ack(object, 0, NULL, &reply), -EINVAL);
	ck_assert_int_eq(ruche_queue_get_ack(object, 0, &token, NULL), -EINVAL);
	ck_assert_int_eq(ruche_queue_size(object, NULL), -EINVAL);
	ck_assert_uint_eq(fake_skip(&fake, -1), 0);
}
END_TEST

/* ---- queues */

START_TEST(items_are_put_as_they_are)
{
	size_t count = 9;

	open_object(RUCHE_QUEUE);
	answer("c0");
	ck_assert_int_eq(ruche_queue_put(object, -1, "i", (int64_t)5), 0);
	expect("'ruche.queue.put' 92 'name' 05");
	answer("c0");
	ck_assert_int_eq(ruche_queue_put(object, 1500, "is", (int64_t)5, "x"), 0);
	expect("'ruche.queue.put' 93 'name' 92 05 'x' 81 'timeout' cb3ff8000000000000");
	answer("c0");
	ck_assert_int_eq(ruche_queue_put(object, 0, ""), 0);
	expect("'ruche.queue.put' 93 'name' c0 81 'timeout' cb0000000000000000");
	answer("c0");
	ck_assert_int_eq(ruche_queue_put_packed(object, -1, "\x81\x01\x02", 3), 0);
	expect("'ruche.queue.put' 92 'name' 81 01 02");
	answer("03");
	ck_assert_int_eq(ruche_queue_put_many(object, -1, "\x93\x01\x02\x03", 4, &count), 0);
	ck_assert_uint_eq(count, 3);
	expect("'ruche.queue.put_many' 92 'name' 93 01 02 03");
}
END_TEST

START_TEST(how_many_went_in_is_told_also_when_not_all_did)
{
	static const struct {
		const char *answer;
		int timeout_ms, r;
		size_t count;
	} cases[] = {{"02", 0, -EAGAIN, 2}, {"02", 5, -ETIMEDOUT, 2}, {"02", -1, -EPIPE, 2},
		{"04", 0, -EPROTO, 0}, {"c0", 0, -EPROTO, 0}};
	size_t count;

	open_object(RUCHE_QUEUE);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		answer(cases[i].answer);
		count = 9;
		ck_assert_int_eq(ruche_queue_put_many(object, cases[i].timeout_ms,
					 "\x93\x01\x02\x03", 4, &count),
			cases[i].r);
		ck_assert_uint_eq(count, cases[i].count);
	}
	refuse("busy");
	ck_assert_int_eq(ruche_queue_put_many(object, 0, "\x91\x01", 2, &count), -EAGAIN);
	ck_assert_uint_eq(count, 0);
}
END_TEST

static void expect_item(struct ruche_reply *reply, int64_t expected)
{
	int64_t value = -1;

	ck_assert_int_eq(ruche_reply_int64(reply, &value), 0);
	ck_assert_int_eq(value, expected);
	ruche_reply_free(reply);
}

START_TEST(item_is_the_result_of_its_reply)
{
	struct ruche_reply *reply;
	uint64_t token = 0;
	const void *data;
	size_t len;

	open_object(RUCHE_QUEUE);
	answer("07");
	ck_assert_int_eq(ruche_queue_get(object, -1, &reply), 0);
	expect("'ruche.queue.get' 91 'name'");
	expect_item(reply, 7);
	answer("92 cd0100 08");
	ck_assert_int_eq(ruche_queue_get_ack(object, 0, &token, &reply), 0);
	expect("'ruche.queue.get' 92 'name' 82 'timeout' cb0000000000000000 'ack' c3");
	ck_assert_uint_eq(token, 256);
	expect_item(reply, 8);
	answer("92 07 08");
	ck_assert_int_eq(ruche_queue_get_many(object, 5, -1, &reply), 0);
	expect("'ruche.queue.get_many' 92 'name' 05");
	ck_assert_int_eq(ruche_reply_packed(reply, &data, &len), 0);
	ck_assert_mem_eq(data, "\x92\x07\x08", 3);
	ruche_reply_free(reply);
	answer("91 05");
	ck_assert_int_eq(ruche_queue_get_ack(object, 0, &token, &reply), -EPROTO);
}
END_TEST

START_TEST(what_was_got_is_settled)
{
	size_t size = 0;

	open_object(RUCHE_QUEUE);
	answer("01");
	ck_assert_int_eq(ruche_queue_ack(object, 300), 0);
	expect("'ruche.queue.ack' 92 'name' 91 cd012c");
	answer("00");
	ck_assert_int_eq(ruche_queue_give_back(object, 3), -EPERM);
	expect("'ruche.queue.give_back' 92 'name' 91 03");
	answer("05");
	ck_assert_int_eq(ruche_queue_task_done(object, 2), 0);
	expect("'ruche.queue.task_done' 92 'name' 02");
	answer("c0");
	ck_assert_int_eq(ruche_queue_join(object, -1), 0);
	expect("'ruche.queue.join' 91 'name'");
	answer("82 'kind' 'queue' 'size' 2a");
	ck_assert_int_eq(ruche_queue_size(object, &size), 0);
	expect("'ruche.object' 91 'name'");
	ck_assert_uint_eq(size, 42);
	answer("80");
	ck_assert_int_eq(ruche_queue_size(object, &size), -EPROTO);
	expect("'ruche.object' 91 'name'");
	answer("c0");
	ck_assert_int_eq(ruche_queue_end(object), 0);
	expect("'ruche.queue.end' 91 'name'");
}
END_TEST

/* ---- locks and the like */

START_TEST(lock_is_held_and_perhaps_abandoned)
{
	open_object(RUCHE_SEMAPHORE);
	answer("'acquired'");
	ck_assert_int_eq(ruche_acquire(object, 250), 0);
	expect("'ruche.lock.acquire' 92 'name' 81 'timeout' cb3fd0000000000000");
	answer("'abandoned'");
	ck_assert_int_eq(ruche_acquire(object, -1), RUCHE_ABANDONED);
	expect("'ruche.lock.acquire' 91 'name'");
	answer("'what'");
	ck_assert_int_eq(ruche_acquire(object, -1), -EPROTO);
	expect("'ruche.lock.acquire' 91 'name'");
	answer("c0");
	ck_assert_int_eq(ruche_release(object), 0);
	expect("'ruche.lock.release' 91 'name'");
}
END_TEST

START_TEST(event_is_set_cleared_and_waited_for)
{
	open_object(RUCHE_EVENT);
	answer("c0");
	ck_assert_int_eq(ruche_event_set(object), 0);
	expect("'ruche.event.set' 91 'name'");
	answer("c0");
	ck_assert_int_eq(ruche_event_clear(object), 0);
	expect("'ruche.event.clear' 91 'name'");
	answer("c0");
	ck_assert_int_eq(ruche_event_wait(object, 0), 0);
	expect("'ruche.event.wait' 92 'name' 81 'timeout' cb0000000000000000");
	answer("81 'set' c3");
	ck_assert_int_eq(ruche_event_is_set(object), 1);
	answer("81 'set' c2");
	ck_assert_int_eq(ruche_event_is_set(object), 0);
	answer("81 'set' 01");
	ck_assert_int_eq(ruche_event_is_set(object), -EPROTO);
}
END_TEST

START_TEST(condition_is_waited_for_and_notified)
{
	open_object(RUCHE_CONDITION);
	answer("'acquired'");
	ck_assert_int_eq(ruche_acquire(object, -1), 0);
	expect("'ruche.lock.acquire' 91 'name'");
	answer("'notified'");
	ck_assert_int_eq(ruche_condition_wait(object, -1), 0);
	expect("'ruche.condition.wait' 91 'name'");
	answer("'abandoned'");
	ck_assert_int_eq(ruche_condition_wait(object, 1000), RUCHE_ABANDONED);
	expect("'ruche.condition.wait' 92 'name' 81 'timeout' cb3ff0000000000000");
	answer("01");
	ck_assert_int_eq(ruche_condition_notify(object, 1), 0);
	expect("'ruche.condition.notify' 92 'name' 01");
	answer("05");
	ck_assert_int_eq(ruche_condition_notify(object, 0), 0);
	expect("'ruche.condition.notify' 92 'name' c0");
}
END_TEST

START_TEST(barrier_tells_the_order_of_arrival)
{
	unsigned int index = 9;

	open_object(RUCHE_BARRIER);
	answer("02");
	ck_assert_int_eq(ruche_barrier_wait(object, -1, &index), 0);
	expect("'ruche.barrier.wait' 91 'name'");
	ck_assert_uint_eq(index, 2);
	answer("00");
	ck_assert_int_eq(ruche_barrier_wait(object, -1, NULL), 0);
	expect("'ruche.barrier.wait' 91 'name'");
	answer("c0");
	ck_assert_int_eq(ruche_barrier_abort(object), 0);
	expect("'ruche.barrier.abort' 91 'name'");
	answer("c0");
	ck_assert_int_eq(ruche_barrier_reset(object), 0);
	expect("'ruche.barrier.reset' 91 'name'");
}
END_TEST

TCase *client_objects_case(void)
{
	TCase *tcase = tcase_create("objects");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, each_kind_is_opened_by_its_name, 0, RUCHE_KIND_COUNT);
	tcase_add_test(tcase, only_what_is_set_is_said);
	tcase_add_test(tcase, answer_of_another_kind_is_none_and_is_closed);
	tcase_add_test(tcase, names_have_1_to_255_bytes);
	tcase_add_test(tcase, objects_are_told_of_and_removed);
	tcase_add_loop_test(tcase, each_error_is_an_errno_with_the_words_of_the_daemon, 0,
		sizeof(refusals) / sizeof(refusals[0]));
	tcase_add_test(tcase, daemon_that_goes_away_is_a_reset);
	tcase_add_loop_test(tcase, refusal_of_the_library_has_no_words_of_the_daemon, 0,
		sizeof(refused_here) / sizeof(refused_here[0]));
	tcase_add_test(tcase, other_calls_go_on_meanwhile);
	tcase_add_test(tcase, nothing_blocks_in_a_callback);
	tcase_add_test(tcase, end_of_the_handle_closes_what_is_open);
	tcase_add_test(tcase, copy_in_a_fork_says_nothing);
	tcase_add_test(tcase, null_and_other_kinds_are_refused);
	tcase_add_test(tcase, items_are_put_as_they_are);
	tcase_add_test(tcase, how_many_went_in_is_told_also_when_not_all_did);
	tcase_add_test(tcase, item_is_the_result_of_its_reply);
	tcase_add_test(tcase, what_was_got_is_settled);
	tcase_add_test(tcase, lock_is_held_and_perhaps_abandoned);
	tcase_add_test(tcase, event_is_set_cleared_and_waited_for);
	tcase_add_test(tcase, condition_is_waited_for_and_notified);
	tcase_add_test(tcase, barrier_tells_the_order_of_arrival);
	return tcase;
}
