/* SPDX-License-Identifier: MIT */

/* Pipes: two ends of a socket that the fake daemon gives out, and what passes between them. */

#include "check_client.h"
#include "fake_daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <ruche/objects.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

static struct fake fake;
static struct ruche_pipe *ends[2]; /* each opened by the handle, as two programs would */
static uint32_t last_id;
static bool one_way;

static void open_end(int end, int fd)
{
	char hex[128];

	snprintf(hex, sizeof(hex), "84 'kind' 'pipe' 'end' %02x 'duplex' %s 'fd' c3",
		(unsigned int)end, one_way ? "c2" : "c3");
	fake_answer_fd(&fake, ++last_id, hex, fd);
	ck_assert_int_eq(ruche_pipe_open(fake.ruche, &ends[end], "p", end, NULL), 0);
	snprintf(hex, sizeof(hex), "94 00 ce%08x 'ruche.open' 93 'pipe' 'p' 81 'end' %02x", last_id,
		(unsigned int)end);
	fake_expect(&fake, hex);
}

static void setup(void)
{
	int socks[2];

	fake_open(&fake);
	last_id = 0;
	ck_assert_int_eq(fd_socketpair(SOCK_SEQPACKET, socks), 0);
	for (int end = 0; end < 2; end++) {
		open_end(end, socks[end]);
		fd_close(&socks[end]);
	}
}

static void setup_one_way(void)
{
	one_way = true;
	setup();
}

static void teardown(void)
{
	ruche_pipe_close(ends[0]);
	ruche_pipe_close(ends[1]);
	ends[0] = ends[1] = NULL;
	fake_close(&fake);
}

static void close_end(int end)
{
	ruche_pipe_close(ends[end]);
	ends[end] = NULL;
}

/* A packed bin of so many bytes in all, for the caller to free. */
static char *make_large(size_t len)
{
	char *data = malloc(len);
	size_t body = len - 5;

	ck_assert_ptr_nonnull(data);
	for (size_t i = 0; i < len; i++)
		data[i] = (char)(i * 7);
	data[0] = (char)0xc6;
	for (int i = 0; i < 4; i++)
		data[1 + i] = (char)(body >> (24 - 8 * i));
	return data;
}

static void expect_packed(int end, const void *expected, size_t expected_len)
{
	struct ruche_reply *reply;
	const void *data;
	size_t len;

	ck_assert_int_eq(ruche_pipe_receive(ends[end], 5000, &reply), 0);
	ck_assert_int_eq(ruche_reply_packed(reply, &data, &len), 0);
	ck_assert_uint_eq(len, expected_len);
	ck_assert_mem_eq(data, expected, len);
	ruche_reply_free(reply);
}

START_TEST(values_pass_in_both_directions_and_in_order)
{
	ck_assert_int_eq(ruche_pipe_poll(ends[0], 0), 0);
	ck_assert_int_eq(ruche_pipe_send(ends[1], -1, "i", (int64_t)5), 0);
	ck_assert_int_eq(ruche_pipe_send(ends[1], 0, "is", (int64_t)5, "x"), 0);
	ck_assert_int_eq(ruche_pipe_send(ends[1], 0, ""), 0);
	ck_assert_int_eq(ruche_pipe_send(ends[0], 0, "m", "\x81\x01\x02", (size_t)3), 0);
	ck_assert_int_eq(ruche_pipe_poll(ends[0], -1), 1);
	expect_packed(0, "\x05", 1);
	expect_packed(0, "\x92\x05\xa1x", 4);
	expect_packed(0, "\xc0", 1);
	expect_packed(1, "\x81\x01\x02", 3);
	ck_assert_int_eq(ruche_pipe_poll(ends[0], 0), 0);
}
END_TEST

static const size_t sizes[] = {65535, 65536, 65537, 1 << 20};

START_TEST(message_of_any_size_passes_between_processes)
{
	size_t len = sizes[_i];
	char *data = make_large(len);
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct ruche_reply *reply;
		const void *copy;
		size_t copy_len;

		if (ruche_pipe_receive(ends[1], 20000, &reply) < 0)
			_exit(1);
		ruche_reply_packed(reply, &copy, &copy_len);
		_exit(ruche_pipe_send_packed(ends[1], 20000, copy, copy_len) < 0);
	}
	ck_assert_int_eq(ruche_pipe_send_packed(ends[0], 20000, data, len), 0);
	expect_packed(0, data, len);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	free(data);
}
END_TEST

START_TEST(what_was_sent_comes_before_the_end)
{
	struct ruche_reply *reply;

	ck_assert_int_eq(ruche_pipe_send(ends[1], 0, "i", (int64_t)5), 0);
	/* It goes without having read this, of which the kernel tells first. */
	ck_assert_int_eq(ruche_pipe_send(ends[0], 0, "i", (int64_t)6), 0);
	close_end(1);
	fake_expect(&fake, "94 00 ce00000003 'ruche.close' 91 'p'");
	ck_assert_int_eq(ruche_pipe_poll(ends[0], 0), 1);
	expect_packed(0, "\x05", 1);
	ck_assert_int_eq(ruche_pipe_poll(ends[0], 0), 1);
	ck_assert_int_eq(ruche_pipe_receive(ends[0], -1, &reply), -EPIPE);
	ck_assert_int_eq(ruche_pipe_receive(ends[0], -1, &reply), -EPIPE);
}
END_TEST

/* A signal would end this process. */
START_TEST(sending_to_nobody_is_an_error)
{
	char *data = make_large(100000);

	close_end(1);
	ck_assert_int_eq(ruche_pipe_send(ends[0], -1, "n"), -EPIPE);
	ck_assert_int_eq(ruche_pipe_send_packed(ends[0], -1, data, 100000), -EPIPE);
	free(data);
}
END_TEST

START_TEST(time_is_up_with_nothing_sent_or_received)
{
	char *data = make_large(60000);
	struct ruche_reply *reply;
	size_t sent = 0;
	int r;

	ck_assert_int_eq(ruche_pipe_receive(ends[0], 0, &reply), -EAGAIN);
	ck_assert_int_eq(ruche_pipe_receive(ends[0], 20, &reply), -ETIMEDOUT);
	ck_assert_int_eq(ruche_pipe_poll(ends[0], 20), 0);
	while ((r = ruche_pipe_send_packed(ends[1], 0, data, 60000)) == 0)
		sent++;
	ck_assert_int_eq(r, -EAGAIN);
	ck_assert_int_eq(ruche_pipe_send_packed(ends[1], 20, data, 60000), -ETIMEDOUT);
	for (; sent > 0; sent--)
		expect_packed(0, data, 60000);
	ck_assert_int_eq(ruche_pipe_receive(ends[0], 0, &reply), -EAGAIN);
	ck_assert_int_eq(ruche_pipe_send_packed(ends[1], 0, data, 60000), 0);
	free(data);
}
END_TEST

START_TEST(sender_goes_on_when_there_is_room)
{
	enum { MESSAGES = 200 };
	char *data = make_large(40000);
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int r = 0;

		for (int i = 0; r == 0 && i < MESSAGES; i++)
			r = ruche_pipe_send_packed(ends[1], -1, data, 40000);
		_exit(r < 0);
	}
	close_end(1);
	for (int i = 0; i < MESSAGES; i++)
		expect_packed(0, data, 40000);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	free(data);
}
END_TEST

START_TEST(end_outlives_the_handle)
{
	ruche_close(fake.ruche);
	fake.ruche = NULL;
	fake_expect(&fake, "94 00 ce00000003 'ruche.close' 91 'p'");
	ck_assert_int_eq(ruche_pipe_send(ends[0], 0, "n"), 0);
	expect_packed(1, "\xc0", 1);
}
END_TEST

START_TEST(one_way_ends_do_one_thing)
{
	struct ruche_reply *reply;

	ck_assert_int_eq(ruche_pipe_send(ends[0], 0, "n"), -EINVAL);
	ck_assert_int_eq(ruche_pipe_send_packed(ends[0], 0, "\xc0", 1), -EINVAL);
	ck_assert_int_eq(ruche_pipe_receive(ends[1], 0, &reply), -EINVAL);
	ck_assert_int_eq(ruche_pipe_poll(ends[1], 0), -EINVAL);
	ck_assert_int_eq(ruche_pipe_send(ends[1], 0, "n"), 0);
	expect_packed(0, "\xc0", 1);
}
END_TEST

/* ---- an end that sends what it likes */

static int memory_with(const char *data, size_t len, unsigned int seals)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fd_write_all(fd, data, len), 0);
	ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static void expect_faulty(const char *packet, size_t len, int fd)
{
	struct ruche_reply *reply;

	ck_assert_int_eq(
		fd_send_packet(ruche_pipe_fd(ends[1]), 0, packet, len, &fd, fd >= 0 ? 1 : 0), 0);
	ck_assert_int_eq(ruche_pipe_receive(ends[0], 5000, &reply), -EPROTO);
	fd_close(&fd);
}

START_TEST(what_is_no_message_is_an_error_and_the_next_one_comes)
{
	static char too_long[65536 + 10] = {0, (char)0xc6, 0, 1, 0, 0};
	int pipe_fds[2], before = fake_count_fds();

	expect_faulty("\x02\x05", 2, -1);
	expect_faulty("\x00", 1, -1);
	expect_faulty("\x00\x92\x05", 3, -1);
	expect_faulty("\x00\x05\x05", 3, -1);
	expect_faulty("\x01", 1, -1);
	expect_faulty(too_long, sizeof(too_long), -1);
	expect_faulty("\x00\x05", 2, memory_with("\x05", 1, F_SEAL_SHRINK));
	expect_faulty("\x01\x05", 2, memory_with("\x05", 1, F_SEAL_SHRINK));
	expect_faulty("\x01", 1, memory_with("\x05", 1, 0));
	expect_faulty("\x01", 1, memory_with("", 0, F_SEAL_SHRINK));
	expect_faulty("\x01", 1, memory_with("\x05\x05", 2, F_SEAL_SHRINK));
	ck_assert_int_eq(fd_pipe(pipe_fds), 0);
	expect_faulty("\x01", 1, pipe_fds[0]);
	fd_close(&pipe_fds[1]);
	ck_assert_int_eq(fake_count_fds(), before);
	ck_assert_int_eq(ruche_pipe_send(ends[1], 0, "n"), 0);
	expect_packed(0, "\xc0", 1);
}
END_TEST

START_TEST(too_large_is_refused_before_it_is_sent)
{
	size_t len = ruche_frame_max() + 1;
	char *data = make_large(len);

	ck_assert_int_eq(ruche_pipe_send_packed(ends[0], 0, data, len), -EMSGSIZE);
	ck_assert_int_eq(ruche_pipe_send(ends[0], 0, "y", data, len), -EMSGSIZE);
	ck_assert_int_eq(ruche_pipe_send_packed(ends[0], 0, data, 100), -EINVAL);
	ck_assert_int_eq(ruche_pipe_poll(ends[1], 0), 0);
	free(data);
}
END_TEST

/* ---- opening and handing on */

START_TEST(end_without_its_descriptor_is_none)
{
	struct ruche_pipe *pipe = NULL;

	fake_answer(&fake, ++last_id, "84 'kind' 'pipe' 'end' 00 'duplex' c3 'fd' c3");
	ck_assert_int_eq(ruche_pipe_open(fake.ruche, &pipe, "q", 0, NULL), -EPROTO);
	ck_assert_ptr_null(pipe);
	fake_expect(&fake, "94 00 ce00000003 'ruche.open' 93 'pipe' 'q' 81 'end' 00"
			   "94 00 ce00000004 'ruche.close' 91 'q'");
}
END_TEST

START_TEST(options_of_a_pipe_are_said)
{
	const struct ruche_object_options options = {.one_way = true, .existing = true};
	struct ruche_pipe *pipe;

	fake_refuse(&fake, ++last_id, "81 'code' 'busy'");
	ck_assert_int_eq(ruche_pipe_open(fake.ruche, &pipe, "q", 1, &options), -EAGAIN);
	fake_expect(&fake, "94 00 ce00000003 'ruche.open' 93 'pipe' 'q'"
			   "83 'create' c2 'duplex' c2 'end' 01");
	ck_assert_int_eq(ruche_pipe_open(fake.ruche, &pipe, "q", 2, NULL), -EINVAL);
	ck_assert_int_eq(ruche_pipe_open(fake.ruche, &pipe, "q", -1, NULL), -EINVAL);
	ck_assert_int_eq(ruche_pipe_open(fake.ruche, NULL, "q", 0, NULL), -EINVAL);
	ck_assert_int_eq(ruche_pipe_open(NULL, &pipe, "q", 0, NULL), -EINVAL);
	ruche_pipe_close(NULL);
}
END_TEST

START_TEST(end_is_handed_to_a_call_or_a_task)
{
	fake_answer(&fake, ++last_id, "c0");
	ck_assert_int_eq(ruche_pipe_hand(fake.ruche, "q", 1, 7, 0), 0);
	fake_expect(&fake, "94 00 ce00000003 'ruche.pipe.hand' 93 'q' 01 81 'call' 07");
	fake_answer(&fake, ++last_id, "c0");
	ck_assert_int_eq(ruche_pipe_hand(fake.ruche, "q", 0, 0, 300), 0);
	fake_expect(&fake, "94 00 ce00000004 'ruche.pipe.hand' 93 'q' 00 81 'task' cd012c");
	ck_assert_int_eq(ruche_pipe_hand(fake.ruche, "q", 0, 0, 0), -EINVAL);
	ck_assert_int_eq(ruche_pipe_hand(NULL, "q", 0, 1, 0), -EINVAL);
}
END_TEST

TCase *client_pipes_case(void)
{
	TCase *tcase = tcase_create("pipes");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, values_pass_in_both_directions_and_in_order);
	tcase_add_loop_test(tcase, message_of_any_size_passes_between_processes, 0,
		sizeof(sizes) / sizeof(sizes[0]));
	tcase_add_test(tcase, what_was_sent_comes_before_the_end);
	tcase_add_test(tcase, sending_to_nobody_is_an_error);
	tcase_add_test(tcase, time_is_up_with_nothing_sent_or_received);
	tcase_add_test(tcase, sender_goes_on_when_there_is_room);
	tcase_add_test(tcase, end_outlives_the_handle);
	tcase_add_test(tcase, what_is_no_message_is_an_error_and_the_next_one_comes);
	tcase_add_test(tcase, too_large_is_refused_before_it_is_sent);
	tcase_add_test(tcase, end_without_its_descriptor_is_none);
	tcase_add_test(tcase, options_of_a_pipe_are_said);
	tcase_add_test(tcase, end_is_handed_to_a_call_or_a_task);
	return tcase;
}

TCase *client_one_way_pipes_case(void)
{
	TCase *tcase = tcase_create("one-way pipes");

	tcase_add_checked_fixture(tcase, setup_one_way, teardown);
	tcase_add_test(tcase, one_way_ends_do_one_thing);
	return tcase;
}
