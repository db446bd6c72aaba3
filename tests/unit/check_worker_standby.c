/* SPDX-License-Identifier: MIT */
/* A worker that is made before its order comes. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "check_worker.h"
#include "wire/link.h"
#include "wire/message.h"
#include "worker/worker.h"

static struct rig_worker next;
static int go = -1;

static void stand_by(void)
{
	const struct golden *golden = worker_golden("link.standby");

	rig.next_id = 4;
	rig_stand_by(&rig, &next, golden->bytes, golden->len, &go);
}

static void expect_ready(void)
{
	ck_assert(rig_read(&next, &m));
	ck_assert_str_eq(m.method, WORKER_READY);
}

static void expect_cube(void)
{
	rig_call(&next, &m, "cube", "i", (int64_t)3);
	ck_assert_int_eq(m.result->via.i64, 27);
}

static void be_done(void)
{
	fd_close(&go);
	rig_forget(&next);
	rig.token = NULL;
}

/* Once it waits, as all that came before is done then. */
static bool has_settled(void)
{
	char path[64], line[256] = "";
	FILE *file;
	bool settled = false;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)next.pid);
	file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof(line), file) != NULL)
		settled |= strncmp(line, "State:\tS", 8) == 0;
	fclose(file);
	return settled && getsid(next.pid) == next.pid;
}

static void wait_until_settled(void)
{
	uint64_t deadline = clock_now() + RIG_PATIENCE * CLOCK_MS;

	while (!has_settled() && clock_now() < deadline)
		usleep(1000);
	ck_assert(has_settled());
}

static bool says_something(void)
{
	struct pollfd results = {.fd = next.results, .events = POLLIN};

	return poll(&results, 1, 0) != 0;
}

START_TEST(says_nothing_before_its_order_and_is_a_worker_after_it)
{
	stand_by();
	wait_until_settled();
	ck_assert(!says_something());
	rig_order(&rig, go, MESSAGE_FRAME_MAX);
	expect_ready();
	expect_cube();
	be_done();
}
END_TEST

START_TEST(has_the_token_of_its_order)
{
	stand_by();
	rig.token = "5e1f0c";
	rig_order(&rig, go, MESSAGE_FRAME_MAX);
	expect_ready();
	rig_call(&next, &m, "test.env", "s", "RUCHE_TASK");
	ck_assert(rig_text_is(m.result, "5e1f0c"));
	be_done();
}
END_TEST

/* Where its order came there is nothing any more, and nothing of the fork server's behind that. */
START_TEST(keeps_no_descriptor_that_it_does_not_need)
{
	char path[64];

	stand_by();
	rig_order(&rig, go, MESSAGE_FRAME_MAX);
	expect_ready();
	for (int fd = 0; fd < 64; fd++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)next.pid, fd);
		ck_assert_int_eq(faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW),
			fd <= WORKER_ARENAS_FD ? 0 : -1);
	}
	be_done();
}
END_TEST

START_TEST(ends_with_its_socket)
{
	int status;

	stand_by();
	if (_i == 1)
		wait_until_settled();
	fd_close(&go);
	ck_assert_int_eq(waitpid(next.pid, &status, 0), next.pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	ck_assert(!rig_read(&next, &m));
	be_done();
}
END_TEST

START_TEST(ends_when_it_gets_what_is_no_order)
{
	int status;

	stand_by();
	ck_assert_int_eq(fd_send_packet(go, 0, "rubbish", 7, NULL, 0), 0);
	ck_assert_int_eq(waitpid(next.pid, &status, 0), next.pid);
	be_done();
}
END_TEST

/* Its supervisor sees that it has gone, and has another forked. */
START_TEST(may_be_killed_before_its_order)
{
	stand_by();
	kill(next.pid, SIGKILL);
	ck_assert_int_eq(waitpid(next.pid, NULL, 0), next.pid);
	ck_assert_int_eq(fd_send_packet(go, 0, "order", 5, NULL, 0), -EPIPE);
	be_done();
	rig_fork(&rig, &next, MESSAGE_FRAME_MAX);
	expect_cube();
	rig_forget(&next);
}
END_TEST

START_TEST(lives_on_without_its_fork_server_until_it_is_dropped)
{
	stand_by();
	kill(rig.forkserver, SIGKILL);
	ck_assert_int_eq(waitpid(rig.forkserver, NULL, 0), rig.forkserver);
	rig.forkserver = 0;
	rig_order(&rig, go, MESSAGE_FRAME_MAX);
	expect_ready();
	expect_cube();
	be_done();
	kill(worker.pid, SIGKILL);
}
END_TEST

START_TEST(others_are_forked_meanwhile)
{
	struct rig_worker other;

	stand_by();
	rig_fork(&rig, &other, MESSAGE_FRAME_MAX);
	rig_call(&other, &m, "cube", "i", (int64_t)2);
	ck_assert_int_eq(m.result->via.i64, 8);
	rig_order(&rig, go, MESSAGE_FRAME_MAX);
	expect_ready();
	expect_cube();
	be_done();
	rig_forget(&other);
}
END_TEST

void check_worker_standby(Suite *suite)
{
	TCase *t = worker_case(suite, "standby", true);

	tcase_add_test(t, says_nothing_before_its_order_and_is_a_worker_after_it);
	tcase_add_test(t, has_the_token_of_its_order);
	tcase_add_test(t, keeps_no_descriptor_that_it_does_not_need);
	tcase_add_loop_test(t, ends_with_its_socket, 0, 2);
	tcase_add_test(t, ends_when_it_gets_what_is_no_order);
	tcase_add_test(t, may_be_killed_before_its_order);
	tcase_add_test(t, lives_on_without_its_fork_server_until_it_is_dropped);
	tcase_add_test(t, others_are_forked_meanwhile);
}
