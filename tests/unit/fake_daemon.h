/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FAKE_DAEMON_H
#define TESTS_FAKE_DAEMON_H

/*
 * A daemon for libruche's tests that does what the test tells it, byte by byte: the other
 * end of a handle, in the test's own thread or in one that echoes.  Failures end the test.
 */

#include <pthread.h>
#include <ruche/ruche.h>

struct fake {
	char dir[64], path[96];
	int listener;
	int sock; /* blocking; -1: closed */
	struct ruche *ruche;
	pthread_t thread;
	unsigned int calls, chunks; /* that fake_start_mapper() has answered; after its end */
};

/* Listens on a new temporary socket. */
void fake_listen(struct fake *fake);

/* The same, and opens and accepts a handle. */
void fake_open(struct fake *fake);

/* Closes whatever is still open and removes the socket. */
void fake_close(struct fake *fake);

void fake_hang_up(struct fake *fake);

/*
 * Bytes are written as "94 01 ce", spaces as you like, and a packed str of less than 256 bytes as
 * 'text'.  Returns how many there are.
 */
size_t bytes_of(const char *hex, uint8_t *ret, size_t size);

void fake_send(struct fake *fake, const void *data, size_t len);
void fake_send_hex(struct fake *fake, const char *hex);

/* Answers call `id` with a packed result or error. */
void fake_answer(struct fake *fake, uint32_t id, const char *result_hex);
/* The same with a descriptor, which stays the caller's; negative: without. */
void fake_answer_fd(struct fake *fake, uint32_t id, const char *result_hex, int fd);
void fake_refuse(struct fake *fake, uint32_t id, const char *error_hex);

/* Blocks until as many bytes have come, which must be these. */
void fake_expect(struct fake *fake, const char *hex);

/* Reads `len` bytes and forgets them; -1: as many as come without waiting. */
size_t fake_skip(struct fake *fake, ssize_t len);

/*
 * A thread that answers each request with its params, until the connection ends or, if
 * `ends_after` is not 0, until it has answered as many; then it hangs up.
 */
void fake_start_echo(struct fake *fake, unsigned int ends_after);
void fake_join_echo(struct fake *fake);

/*
 * The same with a worker that knows ruche.map: any function returns its first argument, and a chunk
 * ends after `per_answer` items, if that is not 0.
 */
void fake_start_mapper(struct fake *fake, unsigned int per_answer);

/* How many descriptors this process has open, of those that tests reach. */
int fake_count_fds(void);

/* Submits a call of "f" without arguments, sends it, and reads it at the other end. */
uint32_t fake_submit(struct fake *fake);

#endif
