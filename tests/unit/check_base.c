/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/copy.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/patience.h"
#include "base/proctree.h"
#include "base/text.h"

#include "check_base.h"
#include "check_main.h"

static bool fd_is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static bool fd_is_cloexec(int fd)
{
	return fcntl(fd, F_GETFD) == FD_CLOEXEC;
}

static int count_fds(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fd_is_open(fd);
	return count;
}

/* ---- buf ------------------------------------------------------------------------ */

START_TEST(a_text_that_comes_in_pieces_is_read_whole)
{
	char text[8];
	int ends[2];

	for (int round = 0; round < 2; round++) {
		ck_assert_int_eq(fd_socketpair(SOCK_SEQPACKET, ends), 0);
		ck_assert_int_eq(write(ends[1], "one", 3), 3);
		ck_assert_int_eq(write(ends[1], "two", 3), 3);
		fd_close(&ends[1]);
		/* No more than there is room for. */
		ck_assert_int_eq(fd_read_text(ends[0], text, round == 0 ? sizeof(text) : 5),
			round == 0 ? 6 : 4);
		ck_assert_str_eq(text, round == 0 ? "onetwo" : "onet");
		fd_close(&ends[0]);
	}
	ck_assert_int_eq(fd_read_text(-1, text, sizeof(text)), -EBADF);
}
END_TEST

START_TEST(bytes_come_out_as_they_went_in)
{
	static uint8_t pattern[256 + 1000];
	struct buf buf = {0};
	size_t in = 0, out = 0;

	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (uint8_t)i;
	/* In pieces of 1 to 997 bytes, out in pieces of 1 to 991: never more in it than 64 KiB. */
	for (size_t round = 0; round < 5000; round++) {
		size_t put = round % 997 + 1, take = round % 991 + 1;

		ck_assert_int_eq(buf_append(&buf, pattern + in % 256, put), 0);
		in += put;
		take = take < buf_len(&buf) ? take : buf_len(&buf);
		ck_assert_mem_eq(buf_data(&buf), pattern + out % 256, take);
		buf_consume(&buf, take);
		out += take;
	}
	ck_assert_uint_eq(buf_len(&buf), in - out);
	ck_assert_uint_le(buf.cap, 131072);
	buf_fini(&buf);
}
END_TEST

START_TEST(an_empty_append_asks_for_no_memory)
{
	struct buf buf = {0};

	ck_assert_int_eq(buf_append(&buf, NULL, 0), 0);
	ck_assert_ptr_null(buf.data);
	ck_assert_uint_eq(buf_len(&buf), 0);
	buf_fini(&buf);
}
END_TEST

START_TEST(few_bytes_are_copied_and_no_others)
{
	uint8_t from[64], to[64], want[64];

	for (int i = 0; i < 64; i++)
		from[i] = (uint8_t)(i + 1);
	for (size_t len = 0; len < 40; len++) {
		memset(to, 0xee, sizeof(to));
		memset(want, 0xee, sizeof(want));
		copy_few(to + 8, from, len);
		memcpy(want + 8, from, len);
		ck_assert_mem_eq(to, want, sizeof(to));
	}
}
END_TEST

START_TEST(a_large_buffer_is_given_back_when_empty_and_a_small_one_kept)
{
	struct buf buf = {0};

	ck_assert_ptr_nonnull(buf_reserve(&buf, 1 << 20));
	buf_commit(&buf, 1 << 20);
	buf_consume(&buf, 1 << 20);
	ck_assert_ptr_null(buf.data);
	ck_assert_int_eq(buf_append(&buf, "x", 1), 0);
	buf_consume(&buf, 1);
	ck_assert_ptr_nonnull(buf.data);
	ck_assert_uint_eq(buf.start, 0);
	buf_fini(&buf);
	ck_assert_uint_eq(buf.cap, 0);
}
END_TEST

START_TEST(read_tells_bytes_end_and_errors_apart)
{
	struct buf buf = {0};
	int fds[2];

	ck_assert_int_eq(fd_pipe(fds), 0);
	ck_assert_int_eq(fd_set_nonblock(fds[0]), 0);
	ck_assert_int_eq(buf_read(&buf, fds[0], 100), -EAGAIN);
	ck_assert_int_eq(write(fds[1], "hello", 5), 5);
	ck_assert_int_eq(buf_read(&buf, fds[0], 3), 3);
	ck_assert_int_eq(buf_read(&buf, fds[0], 100), 2);
	ck_assert_mem_eq(buf_data(&buf), "hello", 5);
	fd_close(&fds[1]);
	ck_assert_int_eq(buf_read(&buf, fds[0], 100), 0);
	fd_close(&fds[0]);
	ck_assert_int_eq(buf_read(&buf, fds[0], 100), -EBADF);
	ck_assert_uint_eq(buf_len(&buf), 5);
	buf_fini(&buf);
}
END_TEST

START_TEST(a_full_pipe_takes_what_it_can_and_is_no_error)
{
	struct buf buf = {0};
	int fds[2];

	ck_assert_int_eq(fd_pipe(fds), 0);
	ck_assert_int_eq(fd_set_nonblock(fds[1]), 0);
	ck_assert_int_eq(buf_write(&buf, fds[1]), 0);
	memset(buf_reserve(&buf, 1 << 20), 'x', 1 << 20);
	buf_commit(&buf, 1 << 20);
	ck_assert_int_eq(buf_write(&buf, fds[1]), 0);
	ck_assert_uint_lt(buf_len(&buf), 1 << 20);
	ck_assert_uint_gt(buf_len(&buf), 0);
	ck_assert_int_eq(buf_write(&buf, fds[1]), 0);
	fd_close(&fds[0]);
	fd_close(&fds[1]);
	buf_fini(&buf);
}
END_TEST

START_TEST(send_to_a_closed_peer_is_an_error_and_no_signal)
{
	struct buf buf = {0};
	int socks[2];

	ck_assert_int_eq(fd_socketpair(SOCK_STREAM, socks), 0);
	ck_assert_int_eq(buf_append(&buf, "ab", 2), 0);
	ck_assert_int_eq(buf_send(&buf, socks[0]), 0);
	ck_assert_uint_eq(buf_len(&buf), 0);
	fd_close(&socks[1]);
	ck_assert_int_eq(buf_append(&buf, "ab", 2), 0);
	ck_assert_int_eq(buf_send(&buf, socks[0]), -EPIPE);
	ck_assert_uint_eq(buf_len(&buf), 2);
	fd_close(&socks[0]);
	buf_fini(&buf);
}
END_TEST

/* ---- patience ------------------------------------------------------------------------- */

enum { MANY_TIMES = 100000, A_LONG_TIME = 1000 };

static bool is_patient(struct patience *patience)
{
	bool lasts;

	patience_begin(patience);
	lasts = patience_lasts(patience);
	patience_end(patience);
	return lasts;
}

static bool learn(struct patience *patience)
{
	for (int i = 0; i < MANY_TIMES; i++)
		if (is_patient(patience))
			return true;
	return false;
}

static void wait_long(struct patience *patience)
{
	patience_begin(patience);
	usleep(A_LONG_TIME);
	patience_end(patience);
}

START_TEST(who_knows_nothing_yet_does_not_look_twice)
{
	struct patience patience = {0};

	ck_assert(!is_patient(&patience));
}
END_TEST

START_TEST(patience_comes_with_what_comes_soon_and_goes_with_what_comes_late)
{
	struct patience patience = {0};
	int late = 0;

	ck_assert(learn(&patience));
	for (; late < 4 && patience.hope > 0; late++)
		wait_long(&patience);
	ck_assert_int_le(late, 4);
	ck_assert(!is_patient(&patience));
	ck_assert(learn(&patience));
}
END_TEST

START_TEST(patience_ends)
{
	struct patience patience = {0};

	ck_assert(learn(&patience));
	patience_begin(&patience);
	for (int i = 0; patience_lasts(&patience); i++)
		ck_assert_int_lt(i, MANY_TIMES);
	ck_assert(!patience_lasts(&patience));
}
END_TEST

/* Somebody who computes, on our own processor. */
static pid_t start_computing(void)
{
	cpu_set_t one;
	pid_t pid;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(one), &one), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (pid == 0)
		;
	return pid;
}

START_TEST(who_computes_beside_us_ends_patience_for_a_while)
{
	struct patience patience = {0};
	pid_t pid = start_computing();

	for (int i = 0; i < MANY_TIMES && patience.pause == 0; i++) {
		patience_begin(&patience);
		while (patience_lasts(&patience))
			;
		patience_end(&patience);
		(void)learn(&patience);
	}
	ck_assert(patience.pause > 0);
	ck_assert(patience.paused_until > clock_now());
	patience.hope = UINT_MAX;
	ck_assert(!is_patient(&patience));
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

START_TEST(the_clock_goes_forward)
{
	uint64_t before = clock_now(), after;

	usleep(2000);
	after = clock_now();
	ck_assert(after - before >= 2 * CLOCK_MS && after - before < 10 * CLOCK_S);
}
END_TEST

START_TEST(the_last_tick_is_never_ahead_and_another_one_follows)
{
	uint64_t last = 0, begin = clock_now();

	while (last < begin) {
		uint64_t tick = clock_tick();

		ck_assert(tick >= last && tick <= clock_now());
		last = tick;
	}
}
END_TEST

START_TEST(a_glance_at_the_clock_is_never_ahead_and_never_goes_back)
{
	struct clock_glance glance = {0};
	uint64_t last = 0;

	for (int i = 0; i < MANY_TIMES; i++) {
		uint64_t now = clock_glance(&glance);

		ck_assert(now >= last && now <= clock_now());
		last = now;
	}
}
END_TEST

START_TEST(a_glance_after_a_pause_is_not_older_than_the_pause)
{
	struct clock_glance glance = {0};

	for (int i = 0; i < 400; i += 40) {
		uint64_t before;

		for (int quick = 0; quick < i; quick++)
			clock_glance(&glance);
		usleep(20000); /* two ticks of the slowest kernel */
		before = clock_now();
		ck_assert(clock_glance(&glance) >= before);
	}
}
END_TEST

/* ---- fd ------------------------------------------------------------------------- */

START_TEST(descriptors_are_close_on_exec)
{
	int fds[2];

	ck_assert_int_eq(fd_pipe(fds), 0);
	ck_assert(fd_is_cloexec(fds[0]) && fd_is_cloexec(fds[1]));
	fd_close(&fds[0]);
	fd_close(&fds[1]);
	ck_assert_int_eq(fd_socketpair(SOCK_SEQPACKET, fds), 0);
	ck_assert(fd_is_cloexec(fds[0]) && fd_is_cloexec(fds[1]));
	fd_close(&fds[0]);
	fd_close(&fds[1]);
}
END_TEST

START_TEST(close_forgets_the_number_and_keeps_errno)
{
	int fds[2], old, none = -1;

	ck_assert_int_eq(fd_pipe(fds), 0);
	old = fds[0];
	errno = ENOTTY;
	fd_close(&fds[0]);
	fd_close(&fds[0]);
	fd_close(&none);
	fd_close(&fds[1]);
	ck_assert_int_eq(errno, ENOTTY);
	ck_assert_int_eq(fds[0], -1);
	ck_assert(!fd_is_open(old));
}
END_TEST

/* Reads to the end of the file; the exit status says whether there were `len` bytes. */
static pid_t fork_reader(int fds[2], size_t len)
{
	pid_t pid = fork();
	size_t got = 0;
	char piece[4096];
	ssize_t n;

	if (pid != 0)
		return pid;
	fd_close(&fds[1]);
	while ((n = read(fds[0], piece, sizeof(piece))) > 0) {
		got += (size_t)n;
		usleep(20); /* slow enough for the writer to block */
	}
	_exit(got == len ? 0 : 1);
}

static void on_alarm(int signal)
{
	(void)signal;
}

START_TEST(write_all_writes_all_through_a_small_pipe_and_signals)
{
	enum { LEN = 3 << 20 };
	struct sigaction act = {.sa_handler = on_alarm};
	char *data = calloc(1, LEN);
	int fds[2], status;
	pid_t reader;

	ck_assert_int_eq(fd_pipe(fds), 0);
	reader = fork_reader(fds, LEN);
	sigaction(SIGALRM, &act, NULL);
	ualarm(10000, 10000); /* interrupts without SA_RESTART */
	ck_assert_int_eq(fd_write_all(fds[1], data, LEN), 0);
	ualarm(0, 0);
	fd_close(&fds[1]);
	ck_assert_int_eq(waitpid(reader, &status, 0), reader);
	ck_assert_int_eq(status, 0);
	fd_close(&fds[0]);
	ck_assert_int_eq(fd_write_all(fds[1], data, 1), -EBADF);
	free(data);
}
END_TEST

/* Sends `nfds` descriptors of /dev/null. */
static int send_nulls(int sock, size_t nfds)
{
	int fds[32] = {0}, r;

	for (size_t i = 0; i < nfds; i++)
		fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	r = fd_send_packet(sock, 0, "packet", 6, fds, nfds);
	for (size_t i = 0; i < nfds; i++)
		fd_close(&fds[i]);
	return r;
}

START_TEST(descriptors_travel_with_a_packet)
{
	int socks[2], sent[2], got[4];
	size_t nfds = 9;
	char data[16];

	ck_assert_int_eq(fd_socketpair(SOCK_SEQPACKET, socks), 0);
	ck_assert_int_eq(fd_pipe(sent), 0);
	ck_assert_int_eq(fd_send_packet(socks[0], 0, "packet", 6, sent, 2), 0);
	ck_assert_int_eq(fd_recv_packet(socks[1], 0, data, sizeof(data), got, 4, &nfds), 6);
	ck_assert_mem_eq(data, "packet", 6);
	ck_assert_uint_eq(nfds, 2);
	ck_assert(fd_is_open(sent[0]) && fd_is_cloexec(got[0]) && fd_is_cloexec(got[1]));
	ck_assert_int_eq(write(got[1], "x", 1), 1);
	ck_assert_int_eq(read(sent[0], data, sizeof(data)), 1);
}
END_TEST

START_TEST(packets_keep_their_bounds_and_need_no_descriptors)
{
	int socks[2], fds[1];
	size_t nfds = 9;
	char data[16];

	ck_assert_int_eq(fd_socketpair(SOCK_SEQPACKET, socks), 0);
	ck_assert_int_eq(fd_send_packet(socks[0], 0, "ab", 2, NULL, 0), 0);
	ck_assert_int_eq(fd_send_packet(socks[0], 0, "c", 1, NULL, 0), 0);
	ck_assert_int_eq(fd_recv_packet(socks[1], 0, data, sizeof(data), fds, 1, &nfds), 2);
	ck_assert_uint_eq(nfds, 0);
	ck_assert_int_eq(fd_recv_packet(socks[1], 0, data, sizeof(data), fds, 0, &nfds), 1);
	fd_close(&socks[0]);
	ck_assert_int_eq(fd_recv_packet(socks[1], 0, data, sizeof(data), fds, 1, &nfds), 0);
	ck_assert_int_eq(fd_send_packet(socks[1], 0, "d", 1, NULL, 0), -EPIPE);
}
END_TEST

START_TEST(a_packet_that_is_too_long_leaves_nothing_open)
{
	int socks[2], fds[4], before;
	size_t nfds = 9;
	char data[5];

	ck_assert_int_eq(fd_socketpair(SOCK_SEQPACKET, socks), 0);
	before = count_fds();
	ck_assert_int_eq(send_nulls(socks[0], 2), 0);
	ck_assert_int_eq(fd_recv_packet(socks[1], 0, data, sizeof(data), fds, 4, &nfds), -EMSGSIZE);
	ck_assert_uint_eq(nfds, 9);
	ck_assert_int_eq(count_fds(), before);
}
END_TEST

START_TEST(a_packet_with_too_many_descriptors_leaves_nothing_open)
{
	int socks[2], fds[2], before;
	size_t nfds = 9;
	char data[16];

	ck_assert_int_eq(fd_socketpair(SOCK_SEQPACKET, socks), 0);
	before = count_fds();
	for (size_t max = 0; max < 2; max++) {
		ck_assert_int_eq(send_nulls(socks[0], max + 1), 0);
		ck_assert_int_eq(fd_recv_packet(socks[1], 0, data, sizeof(data), fds, max, &nfds),
			-EMSGSIZE);
	}
	ck_assert_uint_eq(nfds, 9);
	ck_assert_int_eq(count_fds(), before);
	ck_assert_int_eq(send_nulls(socks[0], 17), -EINVAL);
}
END_TEST

/* ---- log ------------------------------------------------------------------------ */

/* What `say` writes to stderr. */
static const char *capture(void (*say)(void))
{
	static char text[8192];
	int saved = dup(STDERR_FILENO), fds[2];
	ssize_t n;

	ck_assert_int_eq(fd_pipe(fds), 0);
	dup2(fds[1], STDERR_FILENO);
	fd_close(&fds[1]);
	say();
	dup2(saved, STDERR_FILENO);
	close(saved);
	n = read(fds[0], text, sizeof(text) - 1);
	fd_close(&fds[0]);
	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	return text;
}

static void say_control(void)
{
	log_open("test", LOG_LEVEL_INFO);
	log_error("a\nb\x1b[2Jc\x7f\td%cé", '\r');
}

START_TEST(control_characters_are_escaped_and_a_message_is_one_line)
{
	ck_assert_str_eq(capture(say_control), "test: a\\x0ab\\x1b[2Jc\\x7f\\x09d\\x0dé\n");
}
END_TEST

static void say_long(void)
{
	static char text[10000];

	memset(text, '\n', sizeof(text) - 1);
	log_open("test", LOG_LEVEL_INFO);
	log_info("%s", text);
	memset(text, 'x', sizeof(text) - 1);
	log_info("%s", text);
}

START_TEST(a_long_message_is_cut_and_still_a_line)
{
	const char *text = capture(say_long);
	const char *end = strchr(text, '\n');

	ck_assert_ptr_nonnull(end);
	ck_assert_int_lt(end - text, 4096);
	ck_assert_int_eq(strncmp(end + 1, "test: xxx", 9), 0);
	ck_assert_int_eq(text[strlen(text) - 1], '\n');
}
END_TEST

static void say_all(void)
{
	log_open("test", LOG_LEVEL_WARNING);
	log_error("1");
	log_warning("2");
	log_info("3");
	log_debug("4");
}

START_TEST(messages_above_the_level_are_dropped)
{
	ck_assert_str_eq(capture(say_all), "test: 1\ntest: 2\n");
}
END_TEST

static void say_to_journal(void)
{
	char stream[64];
	struct stat st;

	ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		(unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_open("test", LOG_LEVEL_DEBUG);
	log_warning("w");
	log_debug("d");
	unsetenv("JOURNAL_STREAM");
}

START_TEST(the_journal_gets_levels_instead_of_a_name)
{
	ck_assert_str_eq(capture(say_to_journal), "<4>w\n<7>d\n");
}
END_TEST

enum { MANY_LINES = 1000 };

/* All that is there, and how many lines that are. */
static size_t read_lines(int fd, char *ret, size_t size)
{
	size_t lines = 0, len = 0;
	ssize_t n;

	while ((n = read(fd, ret, size - 1)) > 0) {
		len = (size_t)n;
		for (size_t i = 0; i < len; i++)
			lines += ret[i] == '\n';
	}
	ret[len] = '\0';
	return lines;
}

static void say_many(void)
{
	static char text[1000];

	memset(text, 'x', sizeof(text) - 1);
	log_open("test", LOG_LEVEL_INFO);
	log_never_wait();
	for (int i = 0; i < MANY_LINES; i++)
		log_info("%s", text);
}

/* Waiting would be for ever: who reads is the test itself. */
START_TEST(lines_that_nobody_takes_are_dropped_and_counted)
{
	int saved = dup(STDERR_FILENO), fds[2];
	char text[65536], expected[128];
	size_t lines;

	ck_assert_int_eq(_i == 0 ? fd_pipe(fds) : fd_socketpair(SOCK_STREAM, fds), 0);
	fd_set_nonblock(fds[0]);
	dup2(fds[1], STDERR_FILENO);
	fd_close(&fds[1]);
	say_many();
	lines = read_lines(fds[0], text, sizeof(text));
	log_error("again");
	read_lines(fds[0], text, sizeof(text));
	dup2(saved, STDERR_FILENO);
	close(saved);
	fd_close(&fds[0]);
	ck_assert_uint_gt(lines, 0);
	ck_assert_uint_lt(lines, MANY_LINES);
	snprintf(expected, sizeof(expected),
		"test: lines that nobody took in time: %zu\ntest: again\n", MANY_LINES - lines);
	ck_assert_str_eq(text, expected);
}
END_TEST

/* ---- text ----------------------------------------------------------------------- */

static const struct {
	const char *text, *keep, *expected;
} escapes[] = {
	{"", NULL, ""},
	{"plain \\ text", NULL, "plain \\ text"},
	{"a\nb\tc", NULL, "a\\x0ab\\x09c"},
	{"a\nb\tc\r", "\n\t", "a\nb\tc\\x0d"},
	{"\x1b[2J\x7f", "\n", "\\x1b[2J\\x7f"},
	{"\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x9d", NULL, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x9d"},
	{"\xc2\x9b"
	 "2J\xc2\xa0",
		NULL,
		"\\xc2\\x9b"
		"2J\xc2\xa0"},
	{"\xff"
	 "a\xc3",
		NULL, "\\xffa\\xc3"},
	{"\xc0\x80\xed\xa0\x80", NULL, "\\xc0\\x80\\xed\\xa0\\x80"},
};

START_TEST(text_from_anywhere_can_be_shown)
{
	const char *text = escapes[_i].text;
	char ret[64];
	size_t len = text_escape(ret, sizeof(ret), text, strlen(text), escapes[_i].keep);

	ck_assert_str_eq(ret, escapes[_i].expected);
	ck_assert_uint_eq(len, strlen(ret));
}
END_TEST

START_TEST(a_nul_is_escaped_like_any_other)
{
	char ret[16];

	ck_assert_uint_eq(text_escape(ret, sizeof(ret), "a\0b", 3, "\n"), 6);
	ck_assert_str_eq(ret, "a\\x00b");
}
END_TEST

START_TEST(text_is_cut_between_characters)
{
	char ret[8];

	ck_assert_uint_eq(text_escape(ret, 5, "abc\xc3\xa9", 5, NULL), 3);
	ck_assert_uint_eq(text_escape(ret, 6, "abc\xc3\xa9", 5, NULL), 5);
	ck_assert_uint_eq(text_escape(ret, 4, "\n", 1, NULL), 0);
	ck_assert_uint_eq(text_escape(ret, 5, "\n", 1, NULL), 4);
	ck_assert_uint_eq(text_escape(ret, 1, "abc", 3, NULL), 0);
	ck_assert_str_eq(ret, "");
}
END_TEST

/* ---- proctree ------------------------------------------------------------------- */

/*
 * Every process of a tree holds the write end of this pipe and writes one byte when it is
 * there: so `count` bytes mean that the tree stands, and the end of the file that it has gone.
 */
static int life[2];

static void open_life(void)
{
	ck_assert_int_eq(fd_pipe(life), 0);
}

static void close_life(void)
{
	fd_close(&life[0]);
	fd_close(&life[1]);
}

static void await_processes(int count)
{
	char byte;

	for (; count > 0; count--)
		ck_assert_int_eq(read(life[0], &byte, 1), 1);
}

static void assert_all_gone(void)
{
	char byte;

	fd_close(&life[1]);
	ck_assert_int_eq(read(life[0], &byte, 1), 0);
}

static _Noreturn void live(void)
{
	if (write(life[1], "x", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static pid_t fork_child(void (*run)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		run();
		live();
	}
	ck_assert_int_gt(pid, 0);
	return pid;
}

static void be_plain(void)
{
}

static void be_parent(void)
{
	fork_child(be_plain);
}

static void be_grandparent(void)
{
	fork_child(be_parent);
	fork_child(be_parent);
}

/* Leaves its session and process group, and its parent too. */
static void be_daemon(void)
{
	setsid();
	if (fork() > 0)
		_exit(0);
	setsid();
}

static void be_odd(void)
{
	prctl(PR_SET_NAME, ") Z 1 (");
	fork_child(be_plain);
}

static void be_subreaper(void)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	fork_child(be_daemon);
	fork_child(be_parent);
	wait(NULL); /* be_daemon's first process */
}

static void *outlive_main(void *unused)
{
	(void)unused;
	live();
}

/* Its first thread ends, so that it looks like a zombie, and it lives on. */
static void be_headless(void)
{
	pthread_t thread;

	fork_child(be_plain);
	pthread_create(&thread, NULL, outlive_main, NULL);
	pthread_exit(NULL);
}

static void assert_killed(pid_t pid)
{
	int status = 0;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static const struct {
	void (*run)(void);
	int processes;
} trees[] = {
	{be_plain, 1},
	{be_parent, 2},
	{be_grandparent, 5},
	{be_odd, 2},
	{be_subreaper, 4},
	{be_headless, 2},
};

START_TEST(a_whole_tree_is_killed_with_its_root)
{
	pid_t root = fork_child(trees[_i].run);

	await_processes(trees[_i].processes);
	proctree_kill(root);
	assert_all_gone();
	assert_killed(root);
}
END_TEST

START_TEST(the_caller_outlives_the_killing_of_its_own_tree)
{
	fork_child(trees[_i].run);
	await_processes(trees[_i].processes);
	proctree_kill(getpid());
	assert_all_gone();
}
END_TEST

START_TEST(the_descendants_are_counted_and_the_root_is_not)
{
	pid_t root = fork_child(be_grandparent);

	await_processes(5);
	ck_assert_int_eq(proctree_signal(root, 0, NULL, NULL), 4);
	ck_assert_int_eq(proctree_signal(root, SIGKILL, NULL, NULL), 4);
	ck_assert_int_eq(kill(root, 0), 0);
	proctree_kill(root);
	assert_killed(root);
}
END_TEST

START_TEST(a_zombie_is_not_counted)
{
	siginfo_t info;
	pid_t child = fork_child(be_plain);

	await_processes(1);
	kill(child, SIGKILL);
	waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
	ck_assert_int_eq(proctree_signal(getpid(), 0, NULL, NULL), 0);
	assert_killed(child);
}
END_TEST

static bool is_spared(void *user, pid_t child)
{
	return child == *(pid_t *)user;
}

START_TEST(a_spared_child_is_spared_with_its_descendants)
{
	pid_t spared = fork_child(be_parent);
	pid_t other = fork_child(be_parent);

	await_processes(4);
	ck_assert_int_eq(proctree_signal(getpid(), SIGKILL, is_spared, &spared), 2);
	assert_killed(other);
	ck_assert_int_eq(proctree_signal(spared, 0, NULL, NULL), 1);
	proctree_kill(spared);
	assert_killed(spared);
}
END_TEST

START_TEST(a_process_that_is_there_has_a_parent)
{
	siginfo_t info;
	pid_t child = fork_child(be_plain);

	ck_assert_int_eq(proctree_parent(child), getpid());
	ck_assert_int_eq(proctree_parent(getpid()), getppid());
	kill(child, SIGKILL);
	waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
	ck_assert_int_eq(proctree_parent(child), -ESRCH); /* though a zombie is there */
	assert_killed(child);
	ck_assert_int_eq(proctree_parent(child), -ESRCH);
}
END_TEST

START_TEST(a_process_that_is_not_there_has_no_descendants)
{
	pid_t child = fork_child(be_plain);

	kill(child, SIGKILL);
	assert_killed(child);
	ck_assert_int_eq(proctree_signal(child, SIGKILL, NULL, NULL), 0);
}
END_TEST

static TCase *case_buf(void)
{
	TCase *tc = tcase_create("buf");

	tcase_add_test(tc, a_text_that_comes_in_pieces_is_read_whole);
	tcase_add_test(tc, bytes_come_out_as_they_went_in);
	tcase_add_test(tc, an_empty_append_asks_for_no_memory);
	tcase_add_test(tc, few_bytes_are_copied_and_no_others);
	tcase_add_test(tc, a_large_buffer_is_given_back_when_empty_and_a_small_one_kept);
	tcase_add_test(tc, read_tells_bytes_end_and_errors_apart);
	tcase_add_test(tc, a_full_pipe_takes_what_it_can_and_is_no_error);
	tcase_add_test(tc, send_to_a_closed_peer_is_an_error_and_no_signal);
	return tc;
}

static TCase *case_clock(void)
{
	TCase *tc = tcase_create("clock");

	tcase_add_test(tc, who_knows_nothing_yet_does_not_look_twice);
	tcase_add_test(tc, patience_comes_with_what_comes_soon_and_goes_with_what_comes_late);
	tcase_add_test(tc, patience_ends);
	tcase_add_test(tc, who_computes_beside_us_ends_patience_for_a_while);
	tcase_add_test(tc, the_clock_goes_forward);
	tcase_add_test(tc, the_last_tick_is_never_ahead_and_another_one_follows);
	tcase_add_test(tc, a_glance_at_the_clock_is_never_ahead_and_never_goes_back);
	tcase_add_test(tc, a_glance_after_a_pause_is_not_older_than_the_pause);
	return tc;
}

static TCase *case_fd(void)
{
	TCase *tc = tcase_create("fd");

	tcase_add_test(tc, descriptors_are_close_on_exec);
	tcase_add_test(tc, close_forgets_the_number_and_keeps_errno);
	tcase_add_test(tc, write_all_writes_all_through_a_small_pipe_and_signals);
	tcase_add_test(tc, descriptors_travel_with_a_packet);
	tcase_add_test(tc, packets_keep_their_bounds_and_need_no_descriptors);
	tcase_add_test(tc, a_packet_that_is_too_long_leaves_nothing_open);
	tcase_add_test(tc, a_packet_with_too_many_descriptors_leaves_nothing_open);
	return tc;
}

static TCase *case_log(void)
{
	TCase *tc = tcase_create("log");

	tcase_add_test(tc, control_characters_are_escaped_and_a_message_is_one_line);
	tcase_add_test(tc, a_long_message_is_cut_and_still_a_line);
	tcase_add_test(tc, messages_above_the_level_are_dropped);
	tcase_add_test(tc, the_journal_gets_levels_instead_of_a_name);
	tcase_add_loop_test(tc, lines_that_nobody_takes_are_dropped_and_counted, 0, 2);
	return tc;
}

static TCase *case_text(void)
{
	TCase *tc = tcase_create("text");

	tcase_add_loop_test(tc, text_from_anywhere_can_be_shown, 0,
		(int)(sizeof(escapes) / sizeof(escapes[0])));
	tcase_add_test(tc, a_nul_is_escaped_like_any_other);
	tcase_add_test(tc, text_is_cut_between_characters);
	return tc;
}

static TCase *case_proctree(void)
{
	TCase *tc = tcase_create("proctree");
	int count = (int)(sizeof(trees) / sizeof(trees[0]));

	tcase_add_checked_fixture(tc, open_life, close_life);
	tcase_set_timeout(tc, 20);
	tcase_add_loop_test(tc, a_whole_tree_is_killed_with_its_root, 0, count);
	tcase_add_loop_test(tc, the_caller_outlives_the_killing_of_its_own_tree, 0, count);
	tcase_add_test(tc, the_descendants_are_counted_and_the_root_is_not);
	tcase_add_test(tc, a_zombie_is_not_counted);
	tcase_add_test(tc, a_spared_child_is_spared_with_its_descendants);
	tcase_add_test(tc, a_process_that_is_there_has_a_parent);
	tcase_add_test(tc, a_process_that_is_not_there_has_no_descendants);
	return tc;
}

int main(void)
{
	Suite *suite = suite_create("base");

	suite_add_tcase(suite, case_buf());
	suite_add_tcase(suite, case_clock());
	suite_add_tcase(suite, case_fd());
	suite_add_tcase(suite, case_log());
	suite_add_tcase(suite, case_text());
	suite_add_tcase(suite, case_proctree());
	suite_add_tcase(suite, case_trust());
	return check_main(suite);
}
