/* SPDX-License-Identifier: MIT */
/* What a notice becomes in the journal, and how often it gets there. */
#include "check_supervisor.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "core/identity.h"
#include "core/record.h"
#include "supervisor/session.h"
#include "supervisor/supervisor.h"
#include "supervisor/tail.h"
#include "supervisor/worker.h"

static struct supervisor sup;
static struct pool_config config = {.name = (char *)"default"};
static struct pool pool, *pools[1] = {&pool};
static struct slot slot;
static struct worker worker;
static struct user user;
static struct client client;
static struct handle handle;
static struct task task;
static struct identity peer = {.uid = 1001};
static struct session session;
static struct record record;
static struct journal_entry entry;
static char frame[] = "xxprimes.count";
static char tag[] = "nightly";

static void set_up(void)
{
	sup = (struct supervisor){.pools = pools, .pool_count = 1};
	pool = (struct pool){.sup = &sup, .config = &config};
	slot = (struct slot){.index = 3};
	worker = (struct worker){.sup = &sup, .pool = &pool, .slot = &slot, .pid = 4711};
	user = (struct user){.uid = 1000};
	client = (struct client){.user = &user};
	handle = (struct handle){.id = 1883045732810753, .tag = tag};
	task = (struct task){.frame = (uint8_t *)frame,
		.name_off = 2,
		.name_len = sizeof(frame) - 3,
		.attempts = 1,
		.client = &client,
		.handle = &handle};
	session = (struct session){.pid = 4242, .self = &peer};
	record = (struct record){.name = tag};
	notices_init(&sup);
}

static void tear_down(void)
{
	journal_fini(&sup.notices.journal);
	alarms_fini(&sup.alarms);
}

/* ---- reading entries, as the protocol has it --------------------------------------------- */

/* Is there another field?  Moves *at behind it. */
static bool next_field(size_t *at, const char **ret_name, const char **ret_value, size_t *ret_len)
{
	uint64_t len;
	char *end;

	if (*at == entry.len)
		return false;
	end = memchr(entry.data + *at, '\n', entry.len - *at);
	ck_assert_ptr_nonnull(end);
	*end = '\0';
	*ret_name = (char *)entry.data + *at;
	memcpy(&len, end + 1, sizeof(len));
	*ret_len = le64toh(len);
	*ret_value = end + 1 + sizeof(len);
	ck_assert_int_eq((*ret_value)[*ret_len], '\n');
	*at = (size_t)(*ret_value + *ret_len + 1 - (char *)entry.data);
	ck_assert_uint_le(*at, entry.len);
	*end = '\n';
	return true;
}

static bool is_called(const char *field, const char *name)
{
	return strncmp(field, name, strlen(name)) == 0 && field[strlen(name)] == '\n';
}

/* A copy of its value, valid until the next call; NULL: it is not there, exactly once. */
static const char *field(const char *name)
{
	static char copy[JOURNAL_ENTRY_MAX];
	const char *found, *value;
	size_t at = 0, len;
	int count = 0;

	while (next_field(&at, &found, &value, &len)) {
		if (!is_called(found, name))
			continue;
		memcpy(copy, value, len);
		copy[len] = '\0';
		count++;
	}
	ck_assert_int_le(count, 1);
	return count == 1 ? copy : NULL;
}

static void pack(enum notice_kind kind, const struct notice_fields *fields, const char *text)
{
	notice_pack(&sup, kind, fields, text, &entry);
}

/* ---- fields -------------------------------------------------------------------------------- */

START_TEST(every_notice_has_text_id_level_and_name)
{
	char level[] = {log_priority(notice_kinds[_i].level), '\0'};

	pack(_i, &(struct notice_fields){0}, "something");
	ck_assert_str_eq(field("MESSAGE"), "something");
	ck_assert_str_eq(field("MESSAGE_ID"), notice_kinds[_i].id);
	ck_assert_str_eq(field("PRIORITY"), level);
	ck_assert_str_eq(field("RUCHE_EVENT"), notice_kinds[_i].name);
	ck_assert_str_eq(field("SYSLOG_IDENTIFIER"), "ruched");
	ck_assert_ptr_null(field("RUCHE_WORKER"));
	ck_assert_ptr_null(field("RUCHE_SIGNAL"));
	ck_assert_ptr_null(field("RUCHE_EXIT_STATUS"));
}
END_TEST

START_TEST(no_two_kinds_share_id_or_name)
{
	for (int i = 0; i < NOTICE_KINDS; i++) {
		ck_assert_uint_eq(strspn(notice_kinds[i].id, "0123456789abcdef"), 32);
		ck_assert_uint_eq(strlen(notice_kinds[i].id), 32);
		for (int j = 0; j < i; j++) {
			ck_assert_str_ne(notice_kinds[i].id, notice_kinds[j].id);
			ck_assert_str_ne(notice_kinds[i].name, notice_kinds[j].name);
		}
	}
}
END_TEST

START_TEST(crash_tells_worker_pool_task_and_whose_it_was)
{
	static const char *const expected[][2] = {
		{"RUCHE_WORKER", "3"},
		{"RUCHE_PID", "4711"},
		{"RUCHE_POOL", "default"},
		{"RUCHE_TASK", "1883045732810753"},
		{"RUCHE_FUNCTION", "primes.count"},
		{"RUCHE_ATTEMPT", "2"},
		{"RUCHE_TAG", "nightly"},
		{"RUCHE_UID", "1000"},
		{"RUCHE_CAUSE", "signal"},
		{"RUCHE_SIGNAL", "11"},
		{"RUCHE_PEAK_MEMORY", "1048576"},
	};

	pack(NOTICE_WORKER_CRASHED,
		&(struct notice_fields){.worker = &worker,
			.task = &task,
			.cause = "signal",
			.signal = 11,
			.peak_memory = 1048576},
		"x");
	for (size_t i = 0; i < COUNT(expected); i++)
		ck_assert_pstr_eq(field(expected[i][0]), expected[i][1]);
	ck_assert_ptr_null(field("RUCHE_EXIT_STATUS"));
	ck_assert_ptr_null(field("RUCHE_STDERR"));
}
END_TEST

START_TEST(task_without_an_id_has_none)
{
	task.handle = NULL;
	pack(NOTICE_WORKER_CRASHED, &(struct notice_fields){.task = &task}, "x");
	ck_assert_ptr_null(field("RUCHE_TASK"));
	ck_assert_str_eq(field("RUCHE_FUNCTION"), "primes.count");
	ck_assert_str_eq(field("RUCHE_POOL"), "default");
}
END_TEST

START_TEST(exit_status_0_is_told)
{
	pack(NOTICE_WORKER_DIED, &(struct notice_fields){.worker = &worker, .exited = true}, "x");
	ck_assert_str_eq(field("RUCHE_EXIT_STATUS"), "0");
	ck_assert_ptr_null(field("RUCHE_SIGNAL"));
}
END_TEST

START_TEST(whoever_asked_for_it_is_told)
{
	pack(NOTICE_FUNCTION_RELEASED,
		&(struct notice_fields){.record = &record, .session = &session}, "x");
	ck_assert_str_eq(field("RUCHE_FUNCTION"), "nightly");
	ck_assert_str_eq(field("RUCHE_UID"), "1001");
	ck_assert_str_eq(field("RUCHE_CLIENT_PID"), "4242");
}
END_TEST

/* ---- bytes of others -------------------------------------------------------------------------- */

START_TEST(name_of_a_function_forges_no_field)
{
	static char forged[] = "a\nPRIORITY=0\n\x1b[2J\xff";

	task.frame = (uint8_t *)forged;
	task.name_off = 0;
	task.name_len = sizeof(forged) - 1;
	pack(NOTICE_WORKER_CRASHED, &(struct notice_fields){.task = &task}, "died\nPRIORITY=0");
	ck_assert_str_eq(field("RUCHE_FUNCTION"), "a\\x0aPRIORITY=0\\x0a\\x1b[2J\\xff");
	ck_assert_str_eq(field("MESSAGE"), "died\\x0aPRIORITY=0");
	ck_assert_str_eq(field("PRIORITY"), "4");
}
END_TEST

START_TEST(last_lines_keep_their_newlines_and_forge_nothing)
{
	struct tail tail = {.len = 0};

	tail_add(&tail, "one\n\x1b[31mPRIORITY=0\n", 20);
	pack(NOTICE_WORKER_CRASHED, &(struct notice_fields){.worker = &worker, .tail = &tail}, "x");
	ck_assert_str_eq(field("RUCHE_STDERR"), "one\n\\x1b[31mPRIORITY=0\n");
	ck_assert_str_eq(field("PRIORITY"), "4");
}
END_TEST

/* 4096 bytes of rubbish would be 16 KiB: the end of them counts. */
START_TEST(last_lines_are_bounded_and_the_end_is_kept)
{
	static const char fillers[] = {'a', '\x01', '\xff'};
	struct tail tail;

	memset(tail.text, fillers[_i], sizeof(tail.text));
	tail.len = sizeof(tail.text);
	memcpy(tail.text + tail.len - 4, "end\n", 4);
	pack(NOTICE_WORKER_CRASHED, &(struct notice_fields){.worker = &worker, .tail = &tail}, "x");
	ck_assert_uint_le(strlen(field("RUCHE_STDERR")), JOURNAL_VALUE_MAX);
	ck_assert_uint_ge(strlen(field("RUCHE_STDERR")), JOURNAL_VALUE_MAX - 8);
	ck_assert_str_eq(strrchr(field("RUCHE_STDERR"), 'e'), "end\n");
}
END_TEST

START_TEST(field_for_which_there_is_no_room_is_left_out)
{
	static char value[JOURNAL_ENTRY_MAX];
	size_t before;

	memset(value, 'v', sizeof(value));
	entry.len = 0;
	journal_put(&entry, "A", value, JOURNAL_VALUE_MAX);
	before = entry.len;
	journal_put(&entry, "B", value, sizeof(value) - before);
	ck_assert_uint_eq(entry.len, before);
	journal_put(&entry, "B", value, sizeof(value) - before - 11); /* to the last byte */
	ck_assert_uint_eq(entry.len, sizeof(entry.data));
	ck_assert_uint_eq(strlen(field("A")), JOURNAL_VALUE_MAX);
}
END_TEST

/* ---- sending ------------------------------------------------------------------------------------ */

static char directory[] = "/tmp/ruche-check.XXXXXX";
static char path[64];

/* A journal: its end of the socket. */
static int listen_as_journal(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	strcpy(directory + strlen(directory) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/journal", directory);
	strcpy(address.sun_path, path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	journal_init(&sup.notices.journal, path);
	return fd;
}

static void close_journal(int fd)
{
	fd_close(&fd);
	unlink(path);
	rmdir(directory);
}

/* The next entry that has come; false: none. */
static bool receive(int fd)
{
	ssize_t n = recv(fd, entry.data, sizeof(entry.data), 0);

	entry.len = n > 0 ? (size_t)n : 0;
	return n > 0;
}

static size_t count_received(int fd)
{
	size_t count = 0;

	while (receive(fd))
		count++;
	return count;
}

START_TEST(entry_comes_as_it_was_sent)
{
	int fd = listen_as_journal();

	pack(NOTICE_DAEMON_STARTED, &(struct notice_fields){.count = 4}, "hello");
	ck_assert_int_eq(journal_send(&sup.notices.journal, &entry), 0);
	ck_assert(receive(fd));
	ck_assert_str_eq(field("MESSAGE"), "hello");
	ck_assert_str_eq(field("RUCHE_COUNT"), "4");
	close_journal(fd);
}
END_TEST

START_TEST(journal_that_does_not_read_keeps_nobody_waiting)
{
	int fd = listen_as_journal(), sent = 0;

	pack(NOTICE_DAEMON_STARTED, &(struct notice_fields){0}, "hello");
	while (sent < 100000 && journal_send(&sup.notices.journal, &entry) == 0)
		sent++;
	ck_assert_int_lt(sent, 100000);
	ck_assert_int_eq(journal_send(&sup.notices.journal, &entry), -EAGAIN);
	ck_assert_uint_eq(count_received(fd), (size_t)sent);
	ck_assert_int_eq(journal_send(&sup.notices.journal, &entry), 0);
	close_journal(fd);
}
END_TEST

START_TEST(journal_may_go_and_come_back)
{
	int fd = listen_as_journal();

	pack(NOTICE_DAEMON_STARTED, &(struct notice_fields){0}, "hello");
	ck_assert_int_eq(journal_send(&sup.notices.journal, &entry), 0);
	close_journal(fd);
	ck_assert_int_lt(journal_send(&sup.notices.journal, &entry), 0);
	journal_fini(&sup.notices.journal);
	fd = listen_as_journal();
	ck_assert_int_eq(journal_send(&sup.notices.journal, &entry), 0);
	ck_assert(receive(fd));
	close_journal(fd);
}
END_TEST

/* ---- how often ---------------------------------------------------------------------------------- */

/* As for a service: stderr is said to be the journal's, where nothing is to be read. */
static void become_a_service(int *ret_saved)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	char stream[64];
	struct stat st;

	*ret_saved = dup(STDERR_FILENO);
	dup2(null, STDERR_FILENO);
	fd_close(&null);
	ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		(unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_open("test", LOG_LEVEL_INFO);
	unsetenv("JOURNAL_STREAM");
}

static void become_a_program(int saved)
{
	dup2(saved, STDERR_FILENO);
	fd_close(&saved);
	log_open("test", LOG_LEVEL_INFO);
}

/* The journal is read after each, for a kernel where a dozen fill its socket. */
static size_t send_many(int fd, int count)
{
	size_t received = 0;

	for (int i = 0; i < count; i++) {
		notice_send(&sup, NOTICE_WORKER_CRASHED, &(struct notice_fields){0}, "no. %d", i);
		received += receive(fd);
	}
	return received;
}

START_TEST(storm_is_bounded_and_accounted_for)
{
	struct alarm *alarm = &sup.notices.states[NOTICE_WORKER_CRASHED].alarm;
	int saved, fd = listen_as_journal();

	become_a_service(&saved);
	ck_assert_uint_eq(send_many(fd, 1000), THROTTLE_BURST);
	ck_assert_ptr_eq(alarms_first(&sup.alarms), alarm);
	notice_on_time(&sup, alarm);
	ck_assert(receive(fd));
	become_a_program(saved);
	close_journal(fd);
	ck_assert_str_eq(field("RUCHE_EVENT"), "messages-left-out");
	ck_assert_str_eq(field("RUCHE_LEFT_OUT"), "worker-crashed");
	ck_assert_str_eq(field("RUCHE_COUNT"), "980");
	ck_assert(!alarm_is_set(alarm));
}
END_TEST

START_TEST(storm_of_one_kind_leaves_room_for_others)
{
	int saved, fd = listen_as_journal();

	become_a_service(&saved);
	send_many(fd, 1000);
	notice_send(&sup, NOTICE_RELOAD_DONE, &(struct notice_fields){0}, "done");
	ck_assert(receive(fd));
	become_a_program(saved);
	close_journal(fd);
	ck_assert_str_eq(field("MESSAGE"), "done");
}
END_TEST

START_TEST(what_was_left_out_is_told_at_the_end_at_the_latest)
{
	int saved, fd = listen_as_journal();

	become_a_service(&saved);
	send_many(fd, THROTTLE_BURST + 1);
	notices_fini(&sup);
	ck_assert(receive(fd));
	ck_assert(!receive(fd));
	become_a_program(saved);
	close_journal(fd);
}
END_TEST

START_TEST(message_below_the_level_is_not_counted)
{
	int saved, fd = listen_as_journal();

	become_a_service(&saved);
	log_open("test", LOG_LEVEL_ERROR);
	ck_assert_uint_eq(send_many(fd, 100), 0);
	ck_assert_ptr_null(alarms_first(&sup.alarms));
	become_a_program(saved);
	close_journal(fd);
}
END_TEST

void add_supervisor_notice(Suite *suite)
{
	TCase *tc = tcase_create("notice");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, every_notice_has_text_id_level_and_name, 0, NOTICE_KINDS);
	tcase_add_test(tc, no_two_kinds_share_id_or_name);
	tcase_add_test(tc, crash_tells_worker_pool_task_and_whose_it_was);
	tcase_add_test(tc, task_without_an_id_has_none);
	tcase_add_test(tc, exit_status_0_is_told);
	tcase_add_test(tc, whoever_asked_for_it_is_told);
	tcase_add_test(tc, name_of_a_function_forges_no_field);
	tcase_add_test(tc, last_lines_keep_their_newlines_and_forge_nothing);
	tcase_add_loop_test(tc, last_lines_are_bounded_and_the_end_is_kept, 0, 3);
	tcase_add_test(tc, field_for_which_there_is_no_room_is_left_out);
	tcase_add_test(tc, entry_comes_as_it_was_sent);
	tcase_add_test(tc, journal_that_does_not_read_keeps_nobody_waiting);
	tcase_add_test(tc, journal_may_go_and_come_back);
	tcase_add_test(tc, storm_is_bounded_and_accounted_for);
	tcase_add_test(tc, storm_of_one_kind_leaves_room_for_others);
	tcase_add_test(tc, what_was_left_out_is_told_at_the_end_at_the_latest);
	tcase_add_test(tc, message_below_the_level_is_not_counted);
	suite_add_tcase(suite, tc);
}
