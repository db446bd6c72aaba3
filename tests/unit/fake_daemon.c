/* SPDX-License-Identifier: MIT */
#include "fake_daemon.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
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

static void put_byte(uint8_t *ret, size_t size, size_t *len, size_t byte)
{
	ck_assert_uint_lt(*len, size);
	ret[(*len)++] = (uint8_t)byte;
}

/* From after the first quote to after the last. */
static const char *put_text(const char *text, uint8_t *ret, size_t size, size_t *len)
{
	size_t text_len = strcspn(text, "'");

	ck_assert_uint_lt(text_len, 256);
	if (text_len >= 32)
		put_byte(ret, size, len, 0xd9);
	put_byte(ret, size, len, text_len < 32 ? 0xa0 | text_len : text_len);
	for (size_t i = 0; i < text_len; i++)
		put_byte(ret, size, len, (uint8_t)text[i]);
	return text + text_len + 1;
}

size_t bytes_of(const char *hex, uint8_t *ret, size_t size)
{
	size_t len = 0;

	while (*hex != '\0') {
		unsigned int byte;

		if (*hex == ' ') {
			hex++;
		} else if (*hex == '\'') {
			hex = put_text(hex + 1, ret, size, &len);
		} else {
			ck_assert_int_eq(sscanf(hex, "%2x", &byte), 1);
			put_byte(ret, size, &len, byte);
			hex += 2;
		}
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
	struct fake *fake, uint32_t id, const char *error_hex, const char *result_hex, int fd)
{
	uint8_t bytes[HEX_MAX];
	size_t len = message_write_head(bytes, SCAN_RESPONSE, id);

	len += bytes_of(error_hex, bytes + len, sizeof(bytes) - len);
	len += bytes_of(result_hex, bytes + len, sizeof(bytes) - len);
	ck_assert_int_eq(fd_send_some(fake->sock, bytes, len, fd), len);
}

void fake_answer(struct fake *fake, uint32_t id, const char *result_hex)
{
	send_response(fake, id, "c0", result_hex, -1);
}

void fake_answer_fd(struct fake *fake, uint32_t id, const char *result_hex, int fd)
{
	send_response(fake, id, "c0", result_hex, fd);
}

void fake_refuse(struct fake *fake, uint32_t id, const char *error_hex)
{
	send_response(fake, id, error_hex, "c0", -1);
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

int fake_count_fds(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
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
	void (*answer)(struct echo *echo, const uint8_t *params, size_t len, bool is_chunk);
	unsigned int ends_after, answered;
	unsigned int per_answer;
	struct buf in, out;
};

static void answer_params(struct echo *echo, const uint8_t *params, size_t len, bool is_chunk)
{
	(void)is_chunk;
	buf_append(&echo->out, params, len);
}

/* The first value at `at`, which is well-formed. */
static size_t value_len(const uint8_t *at, size_t len)
{
	size_t value = 0;

	scan_value(at, len, &value);
	return value;
}

/* [function, items, star] */
static void answer_pairs(struct echo *echo, const uint8_t *params, size_t len)
{
	const uint8_t *at = params + 1 + value_len(params + 1, len - 1), *end = params + len;
	uint32_t count = 0;
	size_t head = 0;

	scan_array(at, (size_t)(end - at), &count, &head);
	at += head;
	if (echo->per_answer > 0 && count > echo->per_answer)
		count = echo->per_answer;
	buf_append(&echo->out,
		(uint8_t[]){0xdd, (uint8_t)(count >> 24), (uint8_t)(count >> 16),
			(uint8_t)(count >> 8), (uint8_t)count},
		5);
	for (uint32_t i = 0; i < count; i++) {
		size_t item = value_len(at, (size_t)(end - at));

		buf_append(&echo->out, "\x92\xc0", 2);
		buf_append(&echo->out, at, item);
		at += item;
	}
}

static void answer_item(struct echo *echo, const uint8_t *params, size_t len, bool is_chunk)
{
	if (is_chunk) {
		echo->fake->chunks++;
		answer_pairs(echo, params, len);
	} else {
		echo->fake->calls++;
		buf_append(&echo->out, params + 1, value_len(params + 1, len - 1));
	}
}

static void echo_frame(struct echo *echo, const struct scan *scan)
{
	uint8_t head[MESSAGE_HEAD_MAX + 1];
	size_t len = message_write_head(head, SCAN_RESPONSE, scan->msgid);
	const uint8_t *frame = buf_data(&echo->in);
	bool is_chunk = scan->method.len == strlen("ruche.map") &&
			memcmp(frame + scan->method.off, "ruche.map", scan->method.len) == 0;

	head[len++] = 0xc0;
	buf_append(&echo->out, head, len);
	echo->answer(echo, frame + scan->params.off, scan->params.len, is_chunk);
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

static void start_echo(struct fake *fake, const struct echo *from)
{
	struct echo *echo = calloc(1, sizeof(*echo));

	ck_assert_ptr_nonnull(echo);
	*echo = *from;
	echo->fake = fake;
	ck_assert_int_eq(pthread_create(&fake->thread, NULL, run_echo, echo), 0);
}

void fake_start_echo(struct fake *fake, unsigned int ends_after)
{
	start_echo(fake, &(struct echo){.answer = answer_params, .ends_after = ends_after});
}

void fake_start_mapper(struct fake *fake, unsigned int per_answer)
{
	start_echo(fake, &(struct echo){.answer = answer_item, .per_answer = per_answer});
}

void fake_join_echo(struct fake *fake)
{
	pthread_join(fake->thread, NULL);
}
