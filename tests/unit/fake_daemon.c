/* SPDX-License-Identifier: MIT */
#include "fake_daemon.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "wire/message.h"
#include "wire/scan.h"

enum { HEX_MAX = 4096 };

void fake_listen(struct fake *fake)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	*fake = (struct fake){.dir = "/tmp/check-client-XXXXXX", .sock = -1};
	ck_assert_ptr_nonnull(mkdtemp(fake->dir));
	snprintf(fake->path, sizeof(fake->path), "%s/sock", fake->dir);
	strcpy(address.sun_path, fake->path);
	fake->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fake->listener, 0);
	ck_assert_int_eq(bind(fake->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(fake->listener, 8), 0);
}

void fake_open(struct fake *fake)
{
	fake_listen(fake);
	ck_assert_int_eq(ruche_open(fake->path, &fake->ruche), 0);
	fake->sock = accept(fake->listener, NULL, NULL);
	ck_assert_int_ge(fake->sock, 0);
}

void fake_hang_up(struct fake *fake)
{
	fd_close(&fake->sock);
}

void fake_close(struct fake *fake)
{
	ruche_close(fake->ruche);
	fd_close(&fake->sock);
	fd_close(&fake->listener);
	unlink(fake->path);
	rmdir(fake->dir);
}

size_t bytes_of(const char *hex, uint8_t *ret, size_t size)
{
	size_t len = 0;

	for (; *hex != '\0'; hex++) {
		unsigned int byte;

		if (*hex == ' ')
			continue;
		ck_assert_int_eq(sscanf(hex, "%2x", &byte), 1);
		ck_assert_uint_lt(len, size);
		ret[len++] = (uint8_t)byte;
		hex++;
	}
	return len;
}

void fake_send(struct fake *fake, const void *data, size_t len)
{
	ck_assert_int_eq(fd_write_all(fake->sock, data, len), 0);
}

void fake_send_hex(struct fake *fake, const char *hex)
{
	uint8_t bytes[HEX_MAX];

	fake_send(fake, bytes, bytes_of(hex, bytes, sizeof(bytes)));
}

static void send_response(
	struct fake *fake, uint32_t id, const char *error_hex, const char *result_hex)
{
	uint8_t bytes[HEX_MAX];
	size_t len = message_write_head(bytes, SCAN_RESPONSE, id);

	len += bytes_of(error_hex, bytes + len, sizeof(bytes) - len);
	len += bytes_of(result_hex, bytes + len, sizeof(bytes) - len);
	fake_send(fake, bytes, len);
}

void fake_answer(struct fake *fake, uint32_t id, const char *result_hex)
{
	send_response(fake, id, "c0", result_hex);
}

void fake_refuse(struct fake *fake, uint32_t id, const char *error_hex)
{
	send_response(fake, id, error_hex, "c0");
}

static void read_exactly(struct fake *fake, uint8_t *to, size_t len)
{
	while (len > 0) {
		ssize_t n = read(fake->sock, to, len);

		ck_assert_int_gt(n, 0);
		to += n;
		len -= (size_t)n;
	}
}

void fake_expect(struct fake *fake, const char *hex)
{
	uint8_t want[HEX_MAX], have[HEX_MAX];
	size_t len = bytes_of(hex, want, sizeof(want));

	read_exactly(fake, have, len);
	ck_assert_mem_eq(have, want, len);
}

static size_t skip_what_is_there(struct fake *fake)
{
	uint8_t bytes[HEX_MAX];
	size_t len = 0;
	ssize_t n;

	while ((n = recv(fake->sock, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		len += (size_t)n;
	return len;
}

size_t fake_skip(struct fake *fake, ssize_t len)
{
	uint8_t bytes[HEX_MAX];

	if (len < 0)
		return skip_what_is_there(fake);
	for (size_t left = (size_t)len; left > 0;) {
		size_t n = left < sizeof(bytes) ? left : sizeof(bytes);

		read_exactly(fake, bytes, n);
		left -= n;
	}
	return (size_t)len;
}

uint32_t fake_submit(struct fake *fake)
{
	uint32_t id = 0;

	ck_assert_int_eq(ruche_submit(fake->ruche, &id, "f", ""), 0);
	ck_assert_int_eq(ruche_process(fake->ruche), 0);
	fake_skip(fake, 10);
	return id;
}

/* ---- the echo */

struct echo {
	struct fake *fake;
	unsigned int ends_after, answered;
	struct buf in, out;
};

static void echo_frame(struct echo *echo, const struct scan *scan)
{
	uint8_t head[MESSAGE_HEAD_MAX + 1];
	size_t len = message_write_head(head, SCAN_RESPONSE, scan->msgid);

	head[len++] = 0xc0;
	buf_append(&echo->out, head, len);
	buf_append(&echo->out, buf_data(&echo->in) + scan->params.off, scan->params.len);
	echo->answered++;
}

static bool echo_is_over(const struct echo *echo)
{
	return echo->ends_after != 0 && echo->answered == echo->ends_after;
}

static void echo_frames(struct echo *echo)
{
	while (buf_len(&echo->in) > 0 && !echo_is_over(echo)) {
		struct scan scan;

		scan_init(&scan, MESSAGE_FRAME_MAX);
		if (scan_feed(&scan, buf_data(&echo->in), buf_len(&echo->in)) != SCAN_DONE)
			return;
		if (scan.type == SCAN_REQUEST)
			echo_frame(echo, &scan);
		buf_consume(&echo->in, scan.len);
	}
}

static void *run_echo(void *data)
{
	struct echo *echo = data;
	int sock = echo->fake->sock;
	int r = 0;

	while (r == 0 && !echo_is_over(echo) && buf_read(&echo->in, sock, 65536) > 0) {
		echo_frames(echo);
		while (r == 0 && buf_len(&echo->out) > 0)
			r = buf_send(&echo->out, sock);
	}
	fake_hang_up(echo->fake);
	buf_fini(&echo->in);
	buf_fini(&echo->out);
	free(echo);
	return NULL;
}

void fake_start_echo(struct fake *fake, unsigned int ends_after)
{
	struct echo *echo = calloc(1, sizeof(*echo));

	ck_assert_ptr_nonnull(echo);
	echo->fake = fake;
	echo->ends_after = ends_after;
	ck_assert_int_eq(pthread_create(&fake->thread, NULL, run_echo, echo), 0);
}

void fake_join_echo(struct fake *fake)
{
	pthread_join(fake->thread, NULL);
}
