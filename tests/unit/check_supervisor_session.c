/* SPDX-License-Identifier: MIT */
/* session.h, sending: descriptors among the bytes. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "supervisor/session.h"
#include "supervisor/supervisor.h"

#include "check_supervisor.h"

enum { NOBODY = 65534 };

static struct supervisor sup;
static struct session session;
static int peer;
static uint64_t position; /* of the peer's reading */

static void set_up(void)
{
	int ends[2];

	ck_assert_int_eq(fd_socketpair(SOCK_STREAM, ends), 0);
	ck_assert_int_eq(fd_set_nonblock(ends[0]), 0);
	ck_assert_int_eq(fd_set_nonblock(ends[1]), 0);
	sup = (struct supervisor){
		.config.limits = {.unread_bytes = SIZE_MAX, .unread_total = SIZE_MAX}};
	/* What is dirty already is not put among those of the loop. */
	session = (struct session){.sup = &sup, .fd = ends[0], .dirty = true};
	peer = ends[1];
	position = 0;
}

static void tear_down(void)
{
	fd_queue_fini(&session.fds);
	buf_fini(&session.out);
	fd_close(&session.fd);
	fd_close(&peer);
}

static ino_t inode_of(int fd)
{
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	return st.st_ino;
}

/* A descriptor that is to be known again. */
static ino_t send_some_fd(void)
{
	int fd = memfd_create("test", MFD_CLOEXEC);
	ino_t inode;

	ck_assert_int_ge(fd, 0);
	inode = inode_of(fd);
	ck_assert_int_eq(session_send_fd(&session, fd), 0);
	return inode;
}

static void send_bytes(size_t len)
{
	static const char bytes[10000];

	ck_assert_uint_le(len, sizeof(bytes));
	session_send(&session, bytes, len);
}

/* One recv() of the peer.  False: there is nothing to be read. */
static bool receive(size_t size, int *ret_fd)
{
	char bytes[10000];
	ssize_t n = fd_recv_some(peer, bytes, size, ret_fd);

	if (n == -EAGAIN)
		return false;
	ck_assert_int_gt(n, 0);
	position += (uint64_t)n;
	return true;
}

static void expect_fd(int fd, ino_t inode)
{
	ck_assert_int_ge(fd, 0);
	ck_assert(inode_of(fd) == inode);
	fd_close(&fd);
}

START_TEST(each_descriptor_comes_with_the_first_byte_of_its_message)
{
	static const uint64_t places[] = {4, 8, 13};
	ino_t inodes[3];
	size_t came = 0;
	int fd;

	send_bytes(4);
	inodes[0] = send_some_fd();
	send_bytes(4);
	inodes[1] = send_some_fd();
	send_bytes(1);
	send_bytes(4);
	inodes[2] = send_some_fd();
	send_bytes(2);
	session_write_out(&session);
	ck_assert_uint_eq(buf_len(&session.out), 0);
	ck_assert_uint_eq(fd_queue_count(&session.fds), 0);
	ck_assert_uint_eq(sup.sessions.unread, 0);
	while (receive(1, &fd)) {
		if (came < 3 && position - 1 == places[came])
			expect_fd(fd, inodes[came++]);
		else
			ck_assert_int_lt(fd, 0);
	}
	ck_assert_uint_eq(came, 3);
	ck_assert_uint_eq(position, 15);
}
END_TEST

/* A recv() ends in the message whose descriptor it has brought. */
START_TEST(they_find_their_messages_when_the_socket_takes_little_at_a_time)
{
	enum { MESSAGES = 40, LEN = 9000 };
	ino_t inodes[MESSAGES];
	size_t came = 0;
	int fd, small = 4096;

	ck_assert_int_eq(setsockopt(session.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small)), 0);
	for (size_t i = 0; i < MESSAGES; i++) {
		inodes[i] = i % 3 == 0 ? send_some_fd() : 0;
		send_bytes(LEN);
	}
	while (position < (uint64_t)MESSAGES * LEN) {
		session_write_out(&session);
		for (uint64_t from = position; receive(5000, &fd); from = position) {
			uint64_t place = 3 * came * LEN;

			if (from > place || position <= place)
				ck_assert_int_lt(fd, 0);
			else
				expect_fd(fd, inodes[3 * came++]);
		}
	}
	ck_assert_uint_eq(came, (MESSAGES + 2) / 3);
}
END_TEST

START_TEST(descriptor_without_a_message_is_closed)
{
	ino_t inode;
	int fd;

	send_some_fd();
	inode = send_some_fd();
	send_bytes(3);
	session_write_out(&session);
	ck_assert(receive(10, &fd));
	expect_fd(fd, inode);
	ck_assert_uint_eq(fd_queue_count(&session.fds), 0);
}
END_TEST

START_TEST(whoever_leaves_many_descriptors_unread_is_read_no_more)
{
	for (int i = 0; i < 63; i++) {
		send_some_fd();
		send_bytes(1);
	}
	ck_assert(!session_is_full(&session));
	send_some_fd();
	ck_assert(session_is_full(&session));
}
END_TEST

START_TEST(session_that_is_closed_keeps_none)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	session.state = SESSION_CLOSED;
	ck_assert_int_eq(session_send_fd(&session, fd), 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
	ck_assert_uint_eq(fd_queue_count(&session.fds), 0);
}
END_TEST

/* The kernel's limit is that of open files, for all that a user has on their way; root has none. */
START_TEST(bytes_go_without_where_the_kernel_takes_no_more)
{
	enum { MESSAGES = 40, LIMIT = 16 };
	const struct rlimit limit = {LIMIT, LIMIT};
	size_t came = 0;
	int fd;

	for (int i = 0; i < MESSAGES; i++) {
		send_some_fd();
		send_bytes(1);
	}
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	if (geteuid() == 0)
		ck_assert_int_eq(setuid(NOBODY), 0);
	session_write_out(&session);
	ck_assert_int_ne(session.state, SESSION_CLOSED);
	ck_assert_uint_eq(fd_queue_count(&session.fds), 0);
	while (receive(1, &fd)) {
		came += fd >= 0;
		fd_close(&fd);
	}
	ck_assert_uint_eq(position, MESSAGES);
	ck_assert_uint_gt(came, 0);
	ck_assert_uint_lt(came, MESSAGES);
}
END_TEST

void add_supervisor_session(Suite *suite)
{
	TCase *tc = tcase_create("session");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, each_descriptor_comes_with_the_first_byte_of_its_message);
	tcase_add_test(tc, they_find_their_messages_when_the_socket_takes_little_at_a_time);
	tcase_add_test(tc, descriptor_without_a_message_is_closed);
	tcase_add_test(tc, whoever_leaves_many_descriptors_unread_is_read_no_more);
	tcase_add_test(tc, session_that_is_closed_keeps_none);
	tcase_add_test(tc, bytes_go_without_where_the_kernel_takes_no_more);
	suite_add_tcase(suite, tc);
}
