/* SPDX-License-Identifier: MIT */

/* How connections begin and end, and NULL everywhere. */

#include "check_client.h"
#include "fake_daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"

static struct fake fake;

static void setup(void)
{
	fake_open(&fake);
}

static void teardown(void)
{
	fake_close(&fake);
}

/* Fetches the reply to call `id`, which the end of the connection must have made. */
static void expect_disconnected(uint32_t id, enum ruche_executed executed, const char *why)
{
	struct ruche_reply *reply;

	ck_assert_int_eq(ruche_wait(fake.ruche, id, 5000, &reply), 1);
	ck_assert_uint_eq(ruche_reply_id(reply), id);
	ck_assert_int_eq(ruche_reply_code(reply), RUCHE_DISCONNECTED);
	ck_assert_int_eq(ruche_reply_error(reply)->executed, executed);
	ck_assert_msg(strstr(ruche_reply_error(reply)->message, why) != NULL, "%s",
		ruche_reply_error(reply)->message);
	ruche_reply_free(reply);
}

static void expect_dead(void)
{
	struct ruche_reply *reply;
	uint32_t id;

	ck_assert_int_eq(ruche_process(fake.ruche), -ECONNRESET);
	ck_assert_int_eq(ruche_flush(fake.ruche), -ECONNRESET);
	ck_assert_int_eq(ruche_submit(fake.ruche, &id, "f", ""), -ECONNRESET);
	ck_assert_int_eq(ruche_call(fake.ruche, &reply, "f", ""), -ECONNRESET);
	ck_assert_int_eq(ruche_next(fake.ruche, &reply), 0);
	ck_assert_int_eq(ruche_wait(fake.ruche, 0, -1, &reply), -ENOENT);
	ck_assert_uint_eq(ruche_pending(fake.ruche), 0);
}

START_TEST(daemon_that_goes_away_answers_every_call)
{
	uint32_t first = fake_submit(&fake), second = fake_submit(&fake);

	fake_hang_up(&fake);
	expect_disconnected(second, RUCHE_EXECUTED_MAYBE, "closed the connection");
	ck_assert_int_eq(ruche_process(fake.ruche), 0);
	expect_disconnected(first, RUCHE_EXECUTED_MAYBE, "closed the connection");
	expect_dead();
}
END_TEST

START_TEST(results_before_the_end_are_kept)
{
	uint32_t first = fake_submit(&fake), second = fake_submit(&fake);
	struct ruche_reply *reply;

	fake_answer(&fake, second, "05");
	fake_hang_up(&fake);
	expect_disconnected(first, RUCHE_EXECUTED_MAYBE, "closed the connection");
	ck_assert_int_eq(ruche_next(fake.ruche, &reply), 1);
	ck_assert_int_eq(ruche_reply_code(reply), RUCHE_OK);
	ruche_reply_free(reply);
	expect_dead();
}
END_TEST

/* The daemon is gone, and a write would raise SIGPIPE, before anything was sent. */
START_TEST(call_that_never_left_was_not_executed)
{
	struct ruche_reply *reply;
	uint32_t id;

	ck_assert_int_eq(ruche_submit(fake.ruche, &id, "f", ""), 0);
	fake_answer(&fake, id, "05"); /* an early bird: taken before the end is noticed */
	fake_hang_up(&fake);
	ck_assert_int_eq(ruche_submit(fake.ruche, &id, "f", ""), 0);
	expect_disconnected(id, RUCHE_EXECUTED_NO, "closed the connection");
	ck_assert_int_eq(ruche_next(fake.ruche, &reply), 1);
	ck_assert_int_eq(ruche_reply_code(reply), RUCHE_OK);
	ruche_reply_free(reply);
	expect_dead();
}
END_TEST

START_TEST(call_that_left_in_part_was_not_executed)
{
	static uint8_t data[4 * 1024 * 1024];
	uint32_t large, behind;

	ck_assert_int_eq(ruche_submit(fake.ruche, &large, "f", "y", data, sizeof(data)), 0);
	ck_assert_int_eq(ruche_submit(fake.ruche, &behind, "f", ""), 0);
	ck_assert_int_eq(ruche_process(fake.ruche), 0);
	fake_hang_up(&fake);
	expect_disconnected(large, RUCHE_EXECUTED_NO, "connection");
	expect_disconnected(behind, RUCHE_EXECUTED_NO, "connection");
	expect_dead();
}
END_TEST

/* As one that ends does: what it has read it answers. */
START_TEST(daemon_that_stops_reading_is_heard_to_its_end)
{
	uint32_t first = fake_submit(&fake), second = fake_submit(&fake), late;
	struct ruche_reply *reply;

	shutdown(fake.sock, SHUT_RD);
	ck_assert_int_eq(ruche_submit(fake.ruche, &late, "f", ""), 0);
	ck_assert_int_eq(ruche_process(fake.ruche), 0);
	ck_assert_int_eq(ruche_submit(fake.ruche, &late, "f", ""), -ECONNRESET);
	ck_assert_int_eq(ruche_wait(fake.ruche, 0, 0, &reply), 0);
	fake_answer(&fake, first, "05");
	ck_assert_int_eq(ruche_wait(fake.ruche, first, 5000, &reply), 1);
	ck_assert_int_eq(ruche_reply_code(reply), RUCHE_OK);
	ruche_reply_free(reply);
	fake_hang_up(&fake);
	expect_disconnected(second, RUCHE_EXECUTED_MAYBE, "closed the connection");
	expect_disconnected(late, RUCHE_EXECUTED_NO, "closed the connection");
	expect_dead();
}
END_TEST

/* What a daemon may send last, and what is then said of it. */
static const struct {
	const char *hex, *why;
} last_words[] = {
	{"94 01", "in the middle of a message"},
	{"94 01 ce 00000001 c0 c5 0010 00", "in the middle of a message"},
	{"ff", "no message of ours"},
	{"474554202f20485454502f312e31", "no message of ours"},
	{"c1", "no message of ours"},
	{"93 01 01 c0", "no message of ours"},
	{"94 03 01 c0 c0", "no message of ours"},
	{"94 01 ce 00000001 c0 dd ffffffff", "no message of ours"},
	{"94 01 ce 00000001 c0 c6 ffffffff", "no message of ours"},
	{"94 01 ce 00000009 c0 c0", "answered call 9"},
	{"94 01 00 c0 c0", "answered call 0"},
	{"94 00 01 a166 90", "a request"},
	{"93 02 ab 72756368652e6572726f72 91 82 a4636f6465 a870726f746f636f6c"
	 "a76d657373616765 a3626f6f",
		"closed the connection: boo"},
	{"93 02 ab 72756368652e6572726f72 91 a3626f6f", "closed the connection: boo"},
	{"93 02 ab 72756368652e6572726f72 90", "closed the connection"},
};

START_TEST(last_words_are_told)
{
	uint32_t id = fake_submit(&fake);

	fake_send_hex(&fake, last_words[_i].hex);
	fake_hang_up(&fake);
	expect_disconnected(id, RUCHE_EXECUTED_MAYBE, last_words[_i].why);
	expect_dead();
}
END_TEST

START_TEST(garbage_closes_our_end_too)
{
	struct pollfd pollfd = {.fd = fake.sock, .events = POLLIN};
	uint32_t id = fake_submit(&fake);
	char byte;

	fake_send_hex(&fake, "c1");
	expect_disconnected(id, RUCHE_EXECUTED_MAYBE, "no message of ours");
	ck_assert_int_eq(poll(&pollfd, 1, 5000), 1);
	ck_assert_int_eq(read(fake.sock, &byte, 1), 0);
	/* An event loop must wake up to hear of it. */
	pollfd.fd = ruche_fd(fake.ruche);
	ck_assert_int_eq(poll(&pollfd, 1, 0), 1);
	expect_dead();
}
END_TEST

START_TEST(second_answer_to_one_call_ends_the_connection)
{
	uint32_t id = fake_submit(&fake), other = fake_submit(&fake);
	struct ruche_reply *reply;

	fake_answer(&fake, id, "01");
	fake_answer(&fake, id, "02");
	expect_disconnected(other, RUCHE_EXECUTED_MAYBE, "answered call 1");
	ck_assert_int_eq(ruche_wait(fake.ruche, id, 0, &reply), 1);
	ck_assert_int_eq(ruche_reply_code(reply), RUCHE_OK);
	ruche_reply_free(reply);
	expect_dead();
}
END_TEST

START_TEST(close_frees_what_was_not_fetched)
{
	uint32_t id = fake_submit(&fake);

	fake_submit(&fake);
	fake_answer(&fake, id, "a3616263");
	ck_assert_int_eq(ruche_process(fake.ruche), 0);
	ck_assert_uint_eq(ruche_pending(fake.ruche), 2);
	ruche_close(fake.ruche);
	fake.ruche = NULL;
	ruche_close(NULL);
}
END_TEST

/* ---- the beginning */

START_TEST(no_daemon_is_an_error_that_tells)
{
	char path[200];
	struct ruche *ruche = NULL;

	snprintf(path, sizeof(path), "%s/none", fake.dir);
	ck_assert_int_eq(ruche_open(path, &ruche), -ENOENT);
	fd_close(&fake.listener);
	ck_assert_int_eq(ruche_open(fake.path, &ruche), -ECONNREFUSED);
	ck_assert_int_eq(ruche_open("", &ruche), -EINVAL);
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	ck_assert_int_eq(ruche_open(path, &ruche), -ENAMETOOLONG);
	ck_assert_ptr_null(ruche);
}
END_TEST

START_TEST(environment_names_the_daemon)
{
	char dir[96], path[128];
	struct ruche *ruche;

	setenv("RUCHE_SOCKET", fake.path, 1);
	ck_assert_int_eq(ruche_open(NULL, &ruche), 0);
	ruche_close(ruche);
	/* What was asked for by name is not looked for elsewhere. */
	setenv("XDG_RUNTIME_DIR", fake.dir, 1);
	snprintf(dir, sizeof(dir), "%s/ruche", fake.dir);
	snprintf(path, sizeof(path), "%s/ruche.sock", dir);
	ck_assert_int_eq(mkdir(dir, 0700), 0);
	ck_assert_int_eq(rename(fake.path, path), 0);
	ck_assert_int_eq(ruche_open(NULL, &ruche), -ENOENT);
	unsetenv("RUCHE_SOCKET");
	ck_assert_int_eq(ruche_open(NULL, &ruche), 0);
	ruche_close(ruche);
	unlink(path);
	rmdir(dir);
}
END_TEST

/* An abstract socket of this name, which ends with the descriptor. */
static int listen_abstract(const char *name, size_t len)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path + 1, name, len);
	ck_assert_int_eq(bind(sock, (struct sockaddr *)&address,
				 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len)),
		0);
	ck_assert_int_eq(listen(sock, 8), 0);
	return sock;
}

START_TEST(path_with_an_at_sign_is_an_abstract_socket)
{
	char path[200];
	struct ruche *ruche = NULL;
	int sock;

	snprintf(path, sizeof(path), "@check-client-%d", (int)getpid());
	ck_assert_int_eq(ruche_open(path, &ruche), -ECONNREFUSED);
	sock = listen_abstract(path + 1, strlen(path) - 1);
	ck_assert_int_eq(ruche_open(path, &ruche), 0);
	ruche_close(ruche);
	setenv("RUCHE_SOCKET", path, 1);
	ck_assert_int_eq(ruche_open(NULL, &ruche), 0);
	ruche_close(ruche);
	fd_close(&sock);
	ck_assert_int_eq(ruche_open("@", &ruche), -EINVAL);
}
END_TEST

START_TEST(names_of_sockets_may_be_as_long_as_they_can)
{
	struct ruche *ruche = NULL;
	char path[110];
	int sock;

	memset(path, 'x', sizeof(path));
	path[0] = '@';
	snprintf(path + 1, 20, "check-client-%d", (int)getpid());
	path[strlen(path)] = 'x';
	path[109] = '\0';
	ck_assert_int_eq(ruche_open(path, &ruche), -ENAMETOOLONG);
	path[108] = '\0';
	sock = listen_abstract(path + 1, 107);
	ck_assert_int_eq(ruche_open(path, &ruche), 0);
	ruche_close(ruche);
	fd_close(&sock);
	path[0] = '/';
	ck_assert_int_eq(ruche_open(path, &ruche), -ENAMETOOLONG);
	path[107] = '\0';
	ck_assert_int_eq(ruche_open(path, &ruche), -ENOENT);
}
END_TEST

START_TEST(task_that_opens_a_connection_says_which_it_is)
{
	struct ruche *first = fake.ruche;
	uint32_t id;
	int sock;

	setenv("RUCHE_TASK", "abc", 1);
	ck_assert_int_eq(ruche_open(fake.path, &fake.ruche), 0);
	sock = fake.sock;
	fake.sock = accept(fake.listener, NULL, NULL);
	ck_assert_uint_eq(ruche_pending(fake.ruche), 0);
	ck_assert_int_eq(ruche_submit(fake.ruche, &id, "f", ""), 0);
	ck_assert_int_eq(ruche_process(fake.ruche), 0);
	fake_expect(&fake, "93 02 'ruche.hello' 91 81 'task' 'abc' 94 00 ce00000001 'f' 90");
	ruche_close(first);
	fd_close(&sock);
	setenv("RUCHE_TASK", "", 1);
	ck_assert_int_eq(ruche_open(fake.path, &first), 0);
	ck_assert_int_eq(ruche_events(first), POLLIN);
	ruche_close(first);
}
END_TEST

START_TEST(descriptor_is_not_inherited)
{
	ck_assert_int_ge(ruche_fd(fake.ruche), 0);
	ck_assert_int_ne(fcntl(ruche_fd(fake.ruche), F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_ne(fcntl(ruche_fd(fake.ruche), F_GETFL) & O_NONBLOCK, 0);
}
END_TEST

START_TEST(flush_sends_and_reads_nothing)
{
	struct ruche_reply *reply;
	uint32_t id;

	ck_assert_int_eq(ruche_submit(fake.ruche, &id, "f", ""), 0);
	ck_assert_int_eq(ruche_flush(fake.ruche), 0);
	fake_expect(&fake, "94 00 ce00000001 'f' 90");
	fake_answer(&fake, id, "05");
	ck_assert_int_eq(ruche_flush(fake.ruche), 0);
	ck_assert_int_eq(ruche_next(fake.ruche, &reply), 0);
	ck_assert_int_eq(ruche_process(fake.ruche), 0);
	ck_assert_int_eq(ruche_next(fake.ruche, &reply), 1);
	ruche_reply_free(reply);
}
END_TEST

/* ---- NULL */

START_TEST(null_is_refused_in_calls)
{
	const char *const argv[] = {"x", NULL};
	const struct ruche_command command = {.argv = argv};
	struct ruche *r = fake.ruche;
	struct ruche_reply *reply;
	uint32_t id;

	ck_assert_int_eq(ruche_open(fake.path, NULL), -EINVAL);
	ck_assert_int_eq(ruche_open_private(NULL, NULL), -EINVAL);
	ck_assert_int_eq(ruche_call(NULL, &reply, "f", ""), -EINVAL);
	ck_assert_int_eq(ruche_call(r, NULL, "f", ""), -EINVAL);
	ck_assert_int_eq(ruche_call(r, &reply, NULL, ""), -EINVAL);
	ck_assert_int_eq(ruche_call(r, &reply, "f", NULL), -EINVAL);
	ck_assert_int_eq(ruche_submit(NULL, &id, "f", ""), -EINVAL);
	ck_assert_int_eq(ruche_submit(r, NULL, "f", ""), -EINVAL);
	ck_assert_int_eq(ruche_submit(r, &id, NULL, ""), -EINVAL);
	ck_assert_int_eq(ruche_submit(r, &id, "f", NULL), -EINVAL);
	ck_assert_int_eq(ruche_submit_packed(NULL, &id, "f", "\x90", 1), -EINVAL);
	ck_assert_int_eq(ruche_submit_packed(r, NULL, "f", "\x90", 1), -EINVAL);
	ck_assert_int_eq(ruche_submit_packed(r, &id, NULL, "\x90", 1), -EINVAL);
	ck_assert_int_eq(ruche_submit_packed(r, &id, "f", NULL, 1), -EINVAL);
	ck_assert_int_eq(ruche_submit_command(NULL, &id, &command), -EINVAL);
	ck_assert_int_eq(ruche_submit_command(r, NULL, &command), -EINVAL);
	ck_assert_int_eq(ruche_submit_command(r, &id, NULL), -EINVAL);
	ck_assert_int_eq(ruche_cancel(NULL, 1, 0), -EINVAL);
	ck_assert_int_eq(ruche_wait(NULL, 0, 0, &reply), -EINVAL);
	ck_assert_int_eq(ruche_wait(r, 0, 0, NULL), -EINVAL);
	ck_assert_int_eq(ruche_process(NULL), -EINVAL);
	ck_assert_int_eq(ruche_flush(NULL), -EINVAL);
	ck_assert_int_eq(ruche_next(NULL, &reply), -EINVAL);
	ck_assert_int_eq(ruche_next(r, NULL), -EINVAL);
	ck_assert_int_eq(ruche_send_input(NULL, 1, "x", 1), -EINVAL);
	ck_assert_int_eq(ruche_send_input(r, 1, NULL, 1), -EINVAL);
	ck_assert_int_eq(ruche_fd(NULL), -EINVAL);
	ck_assert_int_eq(ruche_events(NULL), 0);
	ck_assert_uint_eq(ruche_pending(NULL), 0);
	ck_assert_uint_eq(ruche_pending(r), 0);
	ruche_on_output(NULL, NULL, NULL);
	ruche_on_progress(NULL, NULL, NULL);
	ruche_on_input(NULL, NULL, NULL);
}
END_TEST

START_TEST(null_is_refused_in_replies)
{
	uint32_t id = fake_submit(&fake);
	struct ruche_reply *reply;
	const char *bytes;
	const void *packed;
	__int128 wide;
	int64_t i;
	uint64_t u;
	size_t len;
	double d;
	bool b;

	fake_answer(&fake, id, "05");
	ck_assert_int_eq(ruche_wait(fake.ruche, id, 5000, &reply), 1);
	ck_assert_int_eq(ruche_reply_int64(NULL, &i), -EINVAL);
	ck_assert_int_eq(ruche_reply_int64(reply, NULL), -EINVAL);
	ck_assert_int_eq(ruche_reply_uint64(NULL, &u), -EINVAL);
	ck_assert_int_eq(ruche_reply_uint64(reply, NULL), -EINVAL);
	ck_assert_int_eq(ruche_reply_int128(NULL, &wide), -EINVAL);
	ck_assert_int_eq(ruche_reply_int128(reply, NULL), -EINVAL);
	ck_assert_int_eq(ruche_reply_double(NULL, &d), -EINVAL);
	ck_assert_int_eq(ruche_reply_double(reply, NULL), -EINVAL);
	ck_assert_int_eq(ruche_reply_bool(NULL, &b), -EINVAL);
	ck_assert_int_eq(ruche_reply_bool(reply, NULL), -EINVAL);
	ck_assert_int_eq(ruche_reply_bytes(NULL, &bytes, &len), -EINVAL);
	ck_assert_int_eq(ruche_reply_bytes(reply, NULL, &len), -EINVAL);
	ck_assert_int_eq(ruche_reply_bytes(reply, &bytes, NULL), -EINVAL);
	ck_assert_int_eq(ruche_reply_packed(NULL, &packed, &len), -EINVAL);
	ck_assert_int_eq(ruche_reply_packed(reply, NULL, &len), -EINVAL);
	ck_assert_int_eq(ruche_reply_packed(reply, &packed, NULL), -EINVAL);
	ck_assert_int_eq(ruche_unpack_int128(NULL, 1, &wide), -EINVAL);
	ck_assert_int_eq(ruche_unpack_int128("\x01", 1, NULL), -EINVAL);
	ck_assert_uint_eq(ruche_pack_int128(1, NULL), 0);
	ck_assert_uint_eq(ruche_reply_id(NULL), 0);
	ck_assert_int_eq(ruche_reply_code(NULL), RUCHE_FAILED);
	ck_assert_ptr_null(ruche_reply_error(NULL));
	ruche_reply_free(reply);
	ruche_reply_free(NULL);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

TCase *client_connection_case(void)
{
	TCase *tcase = tcase_create("connection");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, daemon_that_goes_away_answers_every_call);
	tcase_add_test(tcase, results_before_the_end_are_kept);
	tcase_add_test(tcase, call_that_never_left_was_not_executed);
	tcase_add_test(tcase, call_that_left_in_part_was_not_executed);
	tcase_add_test(tcase, daemon_that_stops_reading_is_heard_to_its_end);
	tcase_add_loop_test(tcase, last_words_are_told, 0, COUNT(last_words));
	tcase_add_test(tcase, garbage_closes_our_end_too);
	tcase_add_test(tcase, second_answer_to_one_call_ends_the_connection);
	tcase_add_test(tcase, close_frees_what_was_not_fetched);
	tcase_add_test(tcase, no_daemon_is_an_error_that_tells);
	tcase_add_test(tcase, environment_names_the_daemon);
	tcase_add_test(tcase, path_with_an_at_sign_is_an_abstract_socket);
	tcase_add_test(tcase, names_of_sockets_may_be_as_long_as_they_can);
	tcase_add_test(tcase, task_that_opens_a_connection_says_which_it_is);
	tcase_add_test(tcase, descriptor_is_not_inherited);
	tcase_add_test(tcase, flush_sends_and_reads_nothing);
	tcase_add_test(tcase, null_is_refused_in_calls);
	tcase_add_test(tcase, null_is_refused_in_replies);
	return tcase;
}
