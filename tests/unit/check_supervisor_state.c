/* SPDX-License-Identifier: MIT */
/* A state: what is written is what is read. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/task.h"
#include "supervisor/state.h"
#include "supervisor/state_fields.h"

#include "check_supervisor.h"

static struct state_writer writer;
static struct state_reader reader;

static void begin(void)
{
	ck_assert_int_eq(state_writer_init(&writer), 0);
}

/* Up to the first record. */
static void read_back(bool on_trial)
{
	ck_assert_int_eq(state_finish(&writer), 0);
	ck_assert_int_eq(state_reader_init(&reader, writer.fd, on_trial), 0);
	ck_assert_int_eq(state_next(&reader), 1);
}

static void end(void)
{
	state_reader_fini(&reader);
	state_writer_fini(&writer);
}

START_TEST(numbers_come_back)
{
	struct task task = {.msgid = UINT32_MAX,
		.opened_at = UINT64_MAX,
		.priority = -10,
		.name_len = 7,
		.state = TASK_HANDED,
		.answered_to = true};
	struct task got;

	memset(&got, 0xff, sizeof(got));
	begin();
	state_begin(&writer, "task");
	state_put_fields(&writer, &state_of_task, &task);
	state_end(&writer);
	read_back(false);
	ck_assert(state_is(&reader, "task"));
	ck_assert(!state_is(&reader, "tas") && !state_is(&reader, "tasks"));
	state_get_fields(&reader, &state_of_task, &got);
	ck_assert_uint_eq(got.msgid, UINT32_MAX);
	ck_assert_uint_eq(got.opened_at, UINT64_MAX);
	ck_assert_int_eq(got.priority, -10);
	ck_assert_uint_eq(got.name_len, 7);
	ck_assert_uint_eq(got.state, TASK_HANDED);
	ck_assert(got.answered_to && !got.begun);
	ck_assert_uint_eq(got.seq, 0); /* it was left out */
	ck_assert_int_eq(state_next(&reader), 0);
	end();
}
END_TEST

START_TEST(bytes_and_texts_come_back)
{
	struct buf buf = {0};
	char text[4], *copy;
	size_t len;

	begin();
	state_begin(&writer, "things");
	state_put_bytes(&writer, "bytes", "a\0b", 3);
	state_put_text(&writer, "text", "a text");
	state_put_text(&writer, "none", NULL);
	state_put_double(&writer, "half", 0.5);
	state_put_int(&writer, "minus", -1);
	state_end(&writer);
	read_back(false);
	ck_assert_mem_eq(state_get_bytes(&reader, "bytes", &len), "a\0b", 3);
	ck_assert_uint_eq(len, 3);
	copy = state_get_text(&reader, "text");
	ck_assert_str_eq(copy, "a text");
	free(copy);
	ck_assert_ptr_null(state_get_text(&reader, "none"));
	ck_assert_ptr_null(state_get_bytes(&reader, "none", &len));
	ck_assert_uint_eq(len, 0);
	state_copy_text(&reader, "text", text, sizeof(text));
	ck_assert_str_eq(text, "a t");
	state_get_buf(&reader, "text", &buf);
	state_get_buf(&reader, "bytes", &buf);
	ck_assert_uint_eq(buf_len(&buf), 9);
	ck_assert(state_get_double(&reader, "half") == 0.5);
	ck_assert_int_eq(state_get_int(&reader, "minus"), -1);
	ck_assert_uint_eq(state_get_uint(&reader, "minus"), 0); /* it is none */
	buf_fini(&buf);
	end();
}
END_TEST

START_TEST(many_records_come_back_in_their_order)
{
	enum { MANY = 20000 };
	static const char much[100];

	begin();
	for (uint64_t i = 1; i <= MANY; i++) {
		state_begin(&writer, "number");
		state_put_uint(&writer, "is", i);
		state_put_bytes(&writer, "much", much, sizeof(much));
		state_end(&writer);
	}
	read_back(false);
	for (uint64_t i = 1; i <= MANY; i++) {
		ck_assert_uint_eq(state_get_uint(&reader, "is"), i);
		ck_assert_int_eq(state_next(&reader), i < MANY ? 1 : 0);
	}
	end();
}
END_TEST

START_TEST(descriptors_outlive_an_exec_between_writing_and_keeping)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	begin();
	state_begin(&writer, "open");
	state_put_fd(&writer, "fd", fd);
	state_put_fd(&writer, "none", -1);
	state_end(&writer);
	ck_assert_int_eq(state_pass_fds(&writer, true), 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), 0);
	read_back(false);
	ck_assert_int_eq(state_get_fd(&reader, "fd"), fd);
	ck_assert_int_eq(state_get_fd(&reader, "none"), -1);
	ck_assert_int_eq(fcntl(fd, F_GETFD), 0);
	ck_assert_int_eq(state_keep_fds(&reader), 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(reader.error, 0);
	close(fd);
	end();
}
END_TEST

START_TEST(one_that_is_not_open_is_noted)
{
	begin();
	state_begin(&writer, "open");
	state_put_fd(&writer, "fd", 1000000);
	state_end(&writer);
	read_back(false);
	ck_assert_int_eq(state_get_fd(&reader, "fd"), -1);
	ck_assert_int_eq(reader.error, -EBADF);
	end();
}
END_TEST

START_TEST(on_trial_others_stand_for_them)
{
	void *page;
	int fd;

	begin();
	state_begin(&writer, "open");
	state_put_fd(&writer, "fd", 1000000);
	state_put_fd(&writer, "memory", 1000001);
	state_end(&writer);
	read_back(true);
	ck_assert_int_ge(state_get_fd(&reader, "fd"), 0);
	fd = state_get_memory(&reader, "memory");
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(page, MAP_FAILED);
	memset(page, 1, 4096);
	munmap(page, 4096);
	ck_assert_int_eq(reader.error, 0);
	end();
}
END_TEST

static int read_all(const void *bytes, size_t len)
{
	int fd = memfd_create("check", MFD_CLOEXEC), r;

	ck_assert_int_eq(write(fd, bytes, len), (int)len);
	r = state_reader_init(&reader, fd, false);
	while (r == 0 && (r = state_next(&reader)) > 0)
		r = 0;
	state_reader_fini(&reader);
	close(fd);
	return r;
}

START_TEST(what_is_no_state_is_refused)
{
	static const char good[] = "\x92\xa1x\x81\xa1n\x01";
	static const struct {
		const char *bytes;
		size_t len;
	} bad[] = {{"", 0}, {"\xc0", 1}, {"\x92\xa1x\x90", 4}, {"\x92\x01\x80", 3},
		{"\x91\xa1x", 3}, {"\xc1", 1}};

	ck_assert_int_eq(read_all(good, sizeof(good) - 1), 0);
	for (size_t len = 0; len < sizeof(good) - 1; len++)
		ck_assert_int_eq(read_all(good, len), -EPROTO);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(read_all(bad[i].bytes, bad[i].len), -EPROTO);
}
END_TEST

START_TEST(it_is_never_changed_again)
{
	begin();
	state_begin(&writer, "x");
	state_end(&writer);
	read_back(false);
	ck_assert_int_eq(write(writer.fd, "x", 1), -1);
	ck_assert_int_eq(ftruncate(writer.fd, 0), -1);
	end();
}
END_TEST

void add_supervisor_state(Suite *suite)
{
	TCase *tcase = tcase_create("state");

	tcase_add_test(tcase, numbers_come_back);
	tcase_add_test(tcase, bytes_and_texts_come_back);
	tcase_add_test(tcase, many_records_come_back_in_their_order);
	tcase_add_test(tcase, descriptors_outlive_an_exec_between_writing_and_keeping);
	tcase_add_test(tcase, one_that_is_not_open_is_noted);
	tcase_add_test(tcase, on_trial_others_stand_for_them);
	tcase_add_test(tcase, what_is_no_state_is_refused);
	tcase_add_test(tcase, it_is_never_changed_again);
	suite_add_tcase(suite, tcase);
}
