/* SPDX-License-Identifier: MIT */
#include "client/connection.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/fd.h"
#include "client/process.h"
#include "wire/message.h"

enum {
	SEND_AT = 64 * 1024,
	READ_MIN = 64 * 1024,
	READ_MAX = 1024 * 1024,
	READ_ROUNDS = 64, /* in one connection_process(), so that it ends */
};

/* So long may bytes lie unsent while the caller does nothing but submit and fetch; a tick of the kernel longer if he slows down. */
#define SEND_AFTER (100 * 1000ULL) /* nanoseconds */

int connection_new(int sock, struct ruche **ret)
{
	struct ruche *ruche = calloc(1, sizeof(*ruche));
	int r = ruche == NULL ? -ENOMEM : fd_set_nonblock(sock);

	if (r < 0) {
		free(ruche);
		fd_close(&sock);
		return r;
	}
	ruche->sock = sock;
	ruche->send_at = SEND_AT;
	calls_init(&ruche->calls);
	scan_init(&ruche->scan, MESSAGE_FRAME_MAX);
	*ret = ruche;
	return 0;
}

void connection_free(struct ruche *ruche)
{
	if (ruche == NULL)
		return;
	processes_free(ruche);
	calls_fini(&ruche->calls);
	ruche_reply_free(ruche->said);
	buf_fini(&ruche->in);
	buf_fini(&ruche->out);
	fd_queue_fini(&ruche->fds);
	fd_close(&ruche->sock);
	free(ruche);
}

static void lose(struct ruche *ruche, struct call *call)
{
	if (call->owner == NULL) {
		calls_finish(&ruche->calls, call, NULL);
		return;
	}
	call->owner->on_lost(call, call->end <= ruche->sent);
	calls_remove(&ruche->calls, call);
}

void connection_break(struct ruche *ruche, const char *format, ...)
{
	struct call *call;
	va_list args;

	if (ruche->broken)
		return;
	va_start(args, format);
	vsnprintf(ruche->why, sizeof(ruche->why), format, args);
	va_end(args);
	ruche->broken = true;
	while ((call = TAILQ_FIRST(&ruche->calls.open)) != NULL)
		lose(ruche, call);
	/* Tells the daemon, and keeps ruche_fd() readable for an event loop. */
	shutdown(ruche->sock, SHUT_RDWR);
}

/* ---- sending */

void connection_send(struct ruche *ruche)
{
	size_t len = buf_len(&ruche->out);
	int r;

	if (len == 0 || ruche->send_error < 0 || ruche->broken)
		return;
	r = buf_send(&ruche->out, ruche->sock);
	ruche->sent += len - buf_len(&ruche->out);
	ruche->send_at = buf_len(&ruche->out) + SEND_AT;
	ruche->out_since = clock_now();
	if (r < 0) {
		ruche->send_error = r;
		buf_fini(&ruche->out);
	}
}

void connection_send_due(struct ruche *ruche)
{
	size_t len = buf_len(&ruche->out);

	if (len == 0)
		return;
	if (len >= ruche->send_at || clock_glance(&ruche->clock) > ruche->out_since + SEND_AFTER)
		connection_send(ruche);
}

/* ---- receiving */

static int dispatch_frames(struct ruche *ruche)
{
	while (!ruche->broken && buf_len(&ruche->in) > 0) {
		int r = ruche->has_frame ? SCAN_DONE
					 : scan_feed(&ruche->scan, buf_data(&ruche->in),
						   buf_len(&ruche->in));

		if (r == SCAN_MORE)
			return 0;
		if (r < 0) {
			connection_break(
				ruche, "the daemon sent no message of ours: %s", ruche->scan.why);
			return 0;
		}
		ruche->has_frame = true;
		r = dispatch_frame(ruche);
		if (r < 0)
			return r;
		buf_consume(&ruche->in, ruche->scan.len);
		ruche->has_frame = false;
		scan_init(&ruche->scan, MESSAGE_FRAME_MAX);
	}
	return 0;
}

/* A daemon that reads no more answers what it has read, and closes then. */
static bool will_end(const struct ruche *ruche)
{
	return ruche->send_error == -EPIPE;
}

/* As much as is known to be missing. */
static size_t read_size(const struct ruche *ruche)
{
	size_t len = scan_missing(&ruche->scan, buf_len(&ruche->in));

	return len < READ_MIN ? READ_MIN : len > READ_MAX ? READ_MAX : len;
}

static void break_at_end(struct ruche *ruche)
{
	char complaint[CONNECTION_WHY_MAX];

	strcpy(complaint, ruche->why);
	connection_break(ruche, "the daemon closed the connection%s%s%s",
		buf_len(&ruche->in) > 0 ? " in the middle of a message" : "",
		complaint[0] != '\0' ? ": " : "", complaint);
}

static void break_by_error(struct ruche *ruche, int error)
{
	char text[128];

	connection_break(ruche, "the connection to the daemon is lost: %s",
		strerror_r(-error, text, sizeof(text)));
}

/* While an answer may come that has a descriptor beside its bytes. */
static ssize_t read_with_fd(struct ruche *ruche, size_t max)
{
	uint8_t *to = buf_reserve(&ruche->in, max);
	ssize_t n;
	int fd;

	if (to == NULL)
		return -ENOMEM;
	n = fd_recv_some(ruche->sock, to, max, &fd);
	if (n > 0)
		buf_commit(&ruche->in, (size_t)n);
	/* Without memory for it the answer is one that lacks it. */
	if (fd >= 0)
		(void)fd_queue_push(&ruche->fds, ruche->received, fd);
	return n;
}

static ssize_t read_some(struct ruche *ruche, size_t max)
{
	buf_expect(&ruche->in, scan_missing(&ruche->scan, buf_len(&ruche->in)), max);
	return calls_bring_fds(&ruche->calls) ? read_with_fd(ruche, max)
					      : buf_read(&ruche->in, ruche->sock, max);
}

/* One read and its frames.  1: there may be more; 0: that was all; or a negative errno. */
static int receive_some(struct ruche *ruche)
{
	size_t max = read_size(ruche);
	bool with_fd = calls_bring_fds(&ruche->calls);
	ssize_t n = read_some(ruche, max);
	int r;

	if (n == -EAGAIN)
		return 0;
	if (n == -ENOMEM)
		return -ENOMEM;
	if (n <= 0) {
		if (n < 0 && n != -ECONNRESET)
			break_by_error(ruche, (int)n);
		else
			break_at_end(ruche);
		return 0;
	}
	ruche->received += (size_t)n;
	r = dispatch_frames(ruche);
	if (r < 0)
		return r;
	if (!calls_bring_fds(&ruche->calls)) /* what is left is nobody's */
		fd_queue_fini(&ruche->fds);
	/* A short read has emptied the socket, unless it ended at a descriptor; only its end remains to be seen. */
	return (size_t)n == max || with_fd || ruche->send_error < 0;
}

static int receive(struct ruche *ruche)
{
	int r = dispatch_frames(ruche); /* left by a call that ran out of memory */

	if (r < 0)
		return r;
	r = 1;
	for (int i = 0; i < READ_ROUNDS && r > 0 && !ruche->broken; i++)
		r = receive_some(ruche);
	if (r == 0 && !ruche->broken && ruche->send_error < 0 && !will_end(ruche))
		break_by_error(ruche, ruche->send_error);
	return r < 0 ? r : 0;
}

int connection_process(struct ruche *ruche)
{
	int r;

	if (ruche->dispatching)
		return -EBUSY;
	if (ruche->broken)
		return 0;
	connection_send(ruche);
	ruche->dispatching = true;
	r = receive(ruche);
	ruche->dispatching = false;
	connection_send(ruche); /* what callbacks have started */
	if (ruche->broken) {
		buf_fini(&ruche->in);
		buf_fini(&ruche->out);
	}
	return r;
}

/* ---- waiting */

uint64_t connection_deadline(int timeout_ms)
{
	if (timeout_ms < 0)
		return UINT64_MAX;
	return timeout_ms == 0 ? 0 : clock_now() + (uint64_t)timeout_ms * CLOCK_MS;
}

int connection_milliseconds(uint64_t deadline)
{
	uint64_t now;

	if (deadline == UINT64_MAX)
		return -1;
	now = clock_now();
	return now >= deadline ? 0 : (int)((deadline - now + CLOCK_MS - 1) / CLOCK_MS);
}

/* 0 and more as poll(2), or a negative errno. */
static int poll_once(struct ruche *ruche, int milliseconds)
{
	struct pollfd pollfd = {.fd = ruche->sock, .events = ruche_events(ruche)};
	int n = poll(&pollfd, 1, milliseconds);

	return n < 0 ? -errno : n;
}

static int poll_with_patience(struct ruche *ruche, uint64_t deadline)
{
	int n = 0;

	patience_begin(&ruche->patience);
	while (n == 0 && patience_lasts(&ruche->patience))
		n = poll_once(ruche, 0);
	if (n == 0)
		n = poll_once(ruche, connection_milliseconds(deadline));
	patience_end(&ruche->patience);
	return n;
}

int connection_poll(struct ruche *ruche, uint64_t deadline)
{
	int n;

	connection_send(ruche);
	if (ruche->broken || ruche->has_frame || (ruche->send_error < 0 && !will_end(ruche)))
		return 1;
	do
		n = deadline == 0 ? poll_once(ruche, 0) : poll_with_patience(ruche, deadline);
	while (n == -EINTR);
	return n;
}
