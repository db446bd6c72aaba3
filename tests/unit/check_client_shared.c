/* SPDX-License-Identifier: MIT */

/* Shared values, in memory that the fake daemon gives out. */

#include "check_client.h"
#include "fake_daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <ruche/objects.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "wire/arena.h"
#include "wire/value.h"

enum { COUNT = 4, PROCESSES = 4, ROUNDS = 20000 };

static struct fake fake;
static struct ruche_value *value, *other; /* the same memory, mapped twice */
static uint32_t last_id;

/* As the daemon makes it. */
static int make_memory(enum ruche_type type)
{
	uint64_t size = value_memory_size((uint32_t)type, COUNT);
	int fd = fd_memory("test", (off_t)size);
	void *map;

	ck_assert_int_ge(fd, 0);
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	ck_assert_int_eq(value_init(map, (uint32_t)type, COUNT), 0);
	munmap(map, size);
	return fd;
}

static void answer_open(enum ruche_type type, uint64_t size, int fd)
{
	char hex[256];

	snprintf(hex, sizeof(hex),
		"86 'kind' 'value' 'created' c3 'type' '%s' 'count' 04 'size' ce%08x 'fd' c3",
		ruche_type_name(type), (unsigned int)size);
	fake_answer_fd(&fake, ++last_id, hex, fd);
}

static int open_with(struct ruche_value **ret, enum ruche_type type, int fd)
{
	answer_open(type, value_memory_size((uint32_t)type, COUNT), fd);
	return ruche_value_open(fake.ruche, ret, "v", type, COUNT, NULL, NULL);
}

static void setup_type(enum ruche_type type)
{
	int fd = make_memory(type);

	ck_assert_int_eq(open_with(&value, type, fd), 0);
	ck_assert_int_eq(open_with(&other, type, fd), 0);
	fd_close(&fd);
}

static void setup(void)
{
	fake_open(&fake);
	last_id = 0;
	value = other = NULL;
}

static void close_both(void)
{
	ruche_value_close(value);
	ruche_value_close(other);
	value = other = NULL;
}

static void teardown(void)
{
	close_both();
	fake_close(&fake);
}

/* ---- opening */

START_TEST(memory_is_shared)
{
	setup_type(RUCHE_INT64);
	fake_expect(
		&fake, "94 00 ce00000001 'ruche.open' 93 'value' 'v' 82 'type' 'int64' 'count' 04");
	ck_assert_uint_eq(ruche_value_count(value), COUNT);
	ck_assert_int_eq(ruche_value_type(value), RUCHE_INT64);
	ck_assert_ptr_ne(ruche_value_data(value), ruche_value_data(other));
	((int64_t *)ruche_value_data(value))[3] = -5;
	ck_assert_int_eq(((int64_t *)ruche_value_data(other))[3], -5);
	ck_assert_int_eq(ruche_value_get(other, 3), -5);
}
END_TEST

START_TEST(first_bytes_are_sent_and_the_end_is_told)
{
	static const int16_t initial[COUNT] = {1, 2, 3, 4};
	int fd = make_memory(RUCHE_INT16);

	answer_open(RUCHE_INT16, value_memory_size(RUCHE_INT16, COUNT), fd);
	ck_assert_int_eq(
		ruche_value_open(fake.ruche, &value, "v", RUCHE_INT16, COUNT, initial, NULL), 0);
	fake_expect(&fake, "94 00 ce00000001 'ruche.open' 93 'value' 'v'"
			   "83 'type' 'int16' 'count' 04 'data' c408 0100 0200 0300 0400");
	ruche_value_close(value);
	value = NULL;
	fake_expect(&fake, "94 00 ce00000002 'ruche.close' 91 'v'");
	fd_close(&fd);
}
END_TEST

START_TEST(memory_outlives_the_handle)
{
	setup_type(RUCHE_INT32);
	ruche_close(fake.ruche);
	fake.ruche = NULL;
	ck_assert_int_eq(ruche_value_add(value, 0, 5), 0);
	ck_assert_int_eq(ruche_value_get(other, 0), 5);
}
END_TEST

static void expect_refused(enum ruche_type type, uint64_t size, int fd)
{
	answer_open(type, size, fd);
	ck_assert_int_eq(
		ruche_value_open(fake.ruche, &value, "v", type, COUNT, NULL, NULL), -EPROTO);
	ck_assert_ptr_null(value);
	last_id++; /* of its close */
	fd_close(&fd);
}

static int unsealed(void)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	ck_assert_int_eq(ftruncate(fd, (off_t)value_memory_size(RUCHE_INT64, COUNT)), 0);
	return fd;
}

START_TEST(memory_that_is_not_what_it_is_said_to_be_is_refused)
{
	const uint64_t size = value_memory_size(RUCHE_INT64, COUNT);

	expect_refused(RUCHE_INT64, size, -1);
	expect_refused(RUCHE_INT64, size, open("/dev/null", O_RDWR | O_CLOEXEC));
	expect_refused(RUCHE_INT64, size, unsealed());
	expect_refused(RUCHE_INT64, size, fd_memory("test", (off_t)size)); /* no head */
	expect_refused(RUCHE_INT64, size, fd_memory("test", (off_t)size - 1));
	expect_refused(RUCHE_INT64, size + 8, make_memory(RUCHE_INT64));
	expect_refused(RUCHE_INT64, size, make_memory(RUCHE_UINT64));
	expect_refused(RUCHE_INT64, size, make_memory(RUCHE_INT8));
}
END_TEST

/* A large result has the arena asked for, whose answer comes with that to the next question. */
START_TEST(descriptors_in_one_stream_find_their_answers)
{
	const uint64_t size = arena_size(4 << 20, 1);
	int memory = make_memory(RUCHE_INT8), arena_fd = fd_memory("arena", (off_t)size);
	static char large[3 + ARENA_MIN] = {(char)0xc5};
	struct ruche_reply *reply;
	char hex[128];
	uint32_t id;
	void *head;

	large[1] = (char)(ARENA_MIN >> 8);
	large[2] = (char)(ARENA_MIN & 0xff);
	id = fake_submit(&fake);
	fake_send_hex(&fake, "94 01 ce00000001 c0");
	fake_send(&fake, large, sizeof(large));
	ck_assert_int_eq(ruche_wait(fake.ruche, id, -1, &reply), 1);
	ruche_reply_free(reply);
	ck_assert_int_eq(ruche_process(fake.ruche), 0);
	fake_expect(&fake, "94 00 ce00000002 'ruche.arena' 90");
	last_id = 2;
	snprintf(hex, sizeof(hex), "92 ce%08x ce%08x", (unsigned int)size, 4u << 20);
	fake_answer_fd(&fake, 2, hex, arena_fd);
	ck_assert_int_eq(open_with(&value, RUCHE_INT8, memory), 0);
	ck_assert_int_eq(open_with(&other, RUCHE_INT8, memory), 0);
	ck_assert_int_eq(ruche_value_add(value, 1, 1), 0);
	ck_assert_int_eq(ruche_value_get(other, 1), 1);
	head = mmap(NULL, ARENA_HEAD_SIZE, PROT_READ, MAP_SHARED, arena_fd, 0);
	ck_assert_ptr_ne(head, MAP_FAILED);
	ck_assert_uint_eq(atomic_load(&((struct arena_head *)head)->ready), 1);
	munmap(head, ARENA_HEAD_SIZE);
	fd_close(&memory);
	fd_close(&arena_fd);
}
END_TEST

START_TEST(descriptor_that_no_answer_speaks_of_is_closed)
{
	int fd = make_memory(RUCHE_INT8), before = fake_count_fds();

	fake_answer_fd(
		&fake, ++last_id, "84 'kind' 'value' 'type' 'int8' 'count' 04 'size' cd1004", fd);
	ck_assert_int_eq(
		ruche_value_open(fake.ruche, &value, "v", RUCHE_INT8, COUNT, NULL, NULL), -EPROTO);
	ck_assert_int_eq(fake_count_fds(), before);
	last_id++; /* of its close */
	ck_assert_int_eq(open_with(&value, RUCHE_INT8, fd), 0);
	ck_assert_int_eq(fake_count_fds(), before);
	fd_close(&fd);
}
END_TEST

/* ---- the lock */

START_TEST(lock_has_one_holder)
{
	int status;
	pid_t pid;

	setup_type(RUCHE_INT64);
	ck_assert_int_eq(ruche_value_unlock(value), -EPERM);
	ck_assert_int_eq(ruche_value_lock(value, -1), 0);
	ck_assert_int_eq(ruche_value_lock(value, -1), -EDEADLK);
	pid = fork();
	if (pid == 0)
		_exit(ruche_value_lock(value, 0) != -EAGAIN ||
			ruche_value_lock(value, 20) != -ETIMEDOUT ||
			ruche_value_unlock(value) != -EPERM);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(ruche_value_unlock(value), 0);
	ck_assert_int_eq(ruche_value_lock(other, 1000), 0);
	ck_assert_int_eq(ruche_value_unlock(other), 0);
}
END_TEST

START_TEST(killed_holder_leaves_it_abandoned_once)
{
	int status;
	pid_t pid;

	setup_type(RUCHE_INT64);
	pid = fork();
	if (pid == 0) {
		if (ruche_value_lock(value, -1) == 0)
			raise(SIGKILL);
		_exit(1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(ruche_value_lock(other, _i), RUCHE_ABANDONED);
	ck_assert_int_eq(ruche_value_unlock(other), 0);
	ck_assert_int_eq(ruche_value_lock(value, _i), 0);
	ck_assert_int_eq(ruche_value_unlock(value), 0);
}
END_TEST

/* Its memory must be no part of this thread's list of robust locks any more. */
START_TEST(closing_gives_the_lock_back)
{
	setup_type(RUCHE_INT64);
	ck_assert_int_eq(ruche_value_lock(value, -1), 0);
	ruche_value_close(value);
	value = NULL;
	ck_assert_int_eq(ruche_value_lock(other, 0), 0);
	ck_assert_int_eq(ruche_value_unlock(other), 0);
}
END_TEST

static void add_locked(void)
{
	int64_t *data = ruche_value_data(value);

	for (int i = 0; i < ROUNDS; i++) {
		if (ruche_value_lock(value, -1) != 0)
			_exit(1);
		++*data;
		if (ruche_value_unlock(value) != 0)
			_exit(1);
	}
}

static void add_atomic(void)
{
	for (int i = 0; i < ROUNDS; i++)
		ruche_value_add(value, 0, 1);
}

static void add_double(void)
{
	for (int i = 0; i < ROUNDS; i++)
		ruche_value_add_double(value, 0, 1.0);
}

static const struct {
	enum ruche_type type;
	void (*add)(void);
} adders[] = {{RUCHE_INT64, add_locked}, {RUCHE_INT64, add_atomic}, {RUCHE_UINT32, add_atomic},
	{RUCHE_DOUBLE, add_double}, {RUCHE_FLOAT, add_double}, {RUCHE_INT32, add_double}};

START_TEST(no_addition_of_several_processes_is_lost)
{
	int status;

	setup_type(adders[_i].type);
	for (int i = 0; i < PROCESSES; i++) {
		if (fork() != 0)
			continue;
		adders[_i].add();
		_exit(0);
	}
	for (int i = 0; i < PROCESSES; i++) {
		ck_assert_int_gt(wait(&status), 0);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_double_eq(ruche_value_get_double(other, 0), PROCESSES * ROUNDS);
}
END_TEST

/* ---- elements */

static const struct {
	enum ruche_type type;
	int64_t set, get;
	double set_double, get_double;
} elements[] = {
	{RUCHE_INT8, 200, -56, 1e9, 127},
	{RUCHE_INT8, -1, -1, -1e9, -128},
	{RUCHE_UINT8, -1, 255, -3.5, 0},
	{RUCHE_UINT8, 257, 1, 255.9, 255},
	{RUCHE_INT16, 40000, -25536, -2.9, -2},
	{RUCHE_UINT16, -2, 65534, 70000, 65535},
	{RUCHE_INT32, INT64_C(1) << 31, INT32_MIN, -1e300, INT32_MIN},
	{RUCHE_UINT32, -1, UINT32_MAX, 1e300, UINT32_MAX},
	{RUCHE_INT64, INT64_MIN, INT64_MIN, 1e300, 9223372036854775808.0},
	{RUCHE_UINT64, -1, -1, 1e300, 18446744073709551616.0},
	{RUCHE_FLOAT, 5, 0, 0.5, 0.5},
	{RUCHE_DOUBLE, 5, 0, 1e300, 1e300},
};

START_TEST(elements_convert_as_they_should)
{
	bool is_integer = elements[_i].type < RUCHE_FLOAT;

	setup_type(elements[_i].type);
	ck_assert_int_eq(ruche_value_set(value, 2, elements[_i].set), 0);
	ck_assert_int_eq(ruche_value_get(other, 2), elements[_i].get);
	ck_assert_int_eq(ruche_value_swap(value, 2, elements[_i].set, 1), is_integer);
	ck_assert_int_eq(ruche_value_swap(value, 2, 0, 1), 0);
	ck_assert_int_eq(ruche_value_add(value, 2, 2), is_integer);
	ck_assert_int_eq(ruche_value_get(value, 2), is_integer ? 3 : 0);
	ck_assert_double_eq(
		ruche_value_set_double(value, 2, elements[_i].set_double), is_integer ? 3 : 0);
	ck_assert_double_eq(ruche_value_get_double(other, 2), elements[_i].get_double);
	ck_assert_double_eq(ruche_value_set_double(value, 2, (double)NAN), elements[_i].get_double);
	if (is_integer)
		ck_assert_double_eq(ruche_value_get_double(other, 2), 0);
	for (size_t i = 0; i < COUNT; i++) /* its neighbours are untouched */
		ck_assert(i == 2 || ruche_value_get_double(value, i) == 0);
}
END_TEST

START_TEST(out_of_range_nothing_happens)
{
	setup_type(RUCHE_INT8);
	ck_assert_int_eq(ruche_value_set(value, COUNT, 5), 0);
	ck_assert_int_eq(ruche_value_add(value, SIZE_MAX, 5), 0);
	ck_assert_int_eq(ruche_value_get(value, COUNT), 0);
	ck_assert_int_eq(ruche_value_swap(value, COUNT, 0, 5), 0);
	ck_assert_double_eq(ruche_value_add_double(value, COUNT, 5), 0);
	ck_assert_int_eq(((int8_t *)ruche_value_data(value))[COUNT], 0);
	ck_assert_int_eq(ruche_value_get(NULL, 0), 0);
	ck_assert_double_eq(ruche_value_set_double(NULL, 0, 1), 0);
	ck_assert_ptr_null(ruche_value_data(NULL));
	ck_assert_uint_eq(ruche_value_count(NULL), 0);
	ck_assert_int_eq(ruche_value_lock(NULL, 0), -EINVAL);
	ck_assert_int_eq(ruche_value_unlock(NULL), -EINVAL);
	ruche_value_close(NULL);
	ck_assert_int_eq(
		ruche_value_open(fake.ruche, NULL, "v", RUCHE_INT8, 1, NULL, NULL), -EINVAL);
	ck_assert_int_eq(ruche_value_open(fake.ruche, &other, "v", 0, 1, NULL, NULL), -EINVAL);
	ck_assert_int_eq(
		ruche_value_open(fake.ruche, &other, "v", RUCHE_INT8, 0, NULL, NULL), -EINVAL);
	ck_assert_int_eq(ruche_value_open(fake.ruche, &other, "v", RUCHE_INT64, SIZE_MAX / 8 + 2,
				 NULL, NULL),
		-EINVAL);
	ck_assert_int_eq(ruche_value_open(NULL, &other, "v", RUCHE_INT8, 1, NULL, NULL), -EINVAL);
}
END_TEST

START_TEST(types_have_names_and_sizes)
{
	ck_assert_str_eq(ruche_type_name(RUCHE_DOUBLE), "double");
	ck_assert_str_eq(ruche_type_name(0), "unknown");
	ck_assert_str_eq(ruche_type_name(RUCHE_TYPE_COUNT), "unknown");
	ck_assert_int_eq(ruche_type_from_name("uint16"), RUCHE_UINT16);
	ck_assert_int_eq(ruche_type_from_name("int"), 0);
	ck_assert_int_eq(ruche_type_from_name(NULL), 0);
	ck_assert_uint_eq(ruche_type_size(RUCHE_FLOAT), 4);
	ck_assert_uint_eq(ruche_type_size(RUCHE_TYPE_COUNT), 0);
}
END_TEST

TCase *client_shared_case(void)
{
	TCase *tcase = tcase_create("shared");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, memory_is_shared);
	tcase_add_test(tcase, first_bytes_are_sent_and_the_end_is_told);
	tcase_add_test(tcase, memory_outlives_the_handle);
	tcase_add_test(tcase, memory_that_is_not_what_it_is_said_to_be_is_refused);
	tcase_add_test(tcase, descriptors_in_one_stream_find_their_answers);
	tcase_add_test(tcase, descriptor_that_no_answer_speaks_of_is_closed);
	tcase_add_test(tcase, lock_has_one_holder);
	tcase_add_loop_test(tcase, killed_holder_leaves_it_abandoned_once, -1, 2);
	tcase_add_test(tcase, closing_gives_the_lock_back);
	tcase_add_loop_test(tcase, no_addition_of_several_processes_is_lost, 0,
		sizeof(adders) / sizeof(adders[0]));
	tcase_add_loop_test(
		tcase, elements_convert_as_they_should, 0, sizeof(elements) / sizeof(elements[0]));
	tcase_add_test(tcase, out_of_range_nothing_happens);
	tcase_add_test(tcase, types_have_names_and_sizes);
	return tcase;
}
