/* SPDX-License-Identifier: MIT */
#include "worker/inbox.h"

#include <poll.h>

enum {
	READ_SIZE = 65536,
	MANY = 32, /* frames since it last waited */
};

void inbox_init(struct inbox *inbox, int fd, size_t limit)
{
	*inbox = (struct inbox){.fd = fd, .limit = limit};
	scan_init(&inbox->scan, limit);
}

void inbox_fini(struct inbox *inbox)
{
	buf_fini(&inbox->buf);
}

ssize_t inbox_read(struct inbox *inbox)
{
	buf_expect(&inbox->buf, scan_missing(&inbox->scan, buf_len(&inbox->buf)), READ_SIZE);
	return buf_read(&inbox->buf, inbox->fd, READ_SIZE);
}

int inbox_frame(struct inbox *inbox, const uint8_t **ret)
{
	if (inbox->status == SCAN_MORE && buf_len(&inbox->buf) > 0)
		inbox->status =
			scan_feed(&inbox->scan, buf_data(&inbox->buf), buf_len(&inbox->buf));
	if (inbox->status == SCAN_DONE)
		*ret = buf_data(&inbox->buf);
	return inbox->status;
}

static bool is_readable(int fd)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};

	return poll(&pollfd, 1, 0) > 0;
}

/* For many, to be woken once is little, and meanwhile the processor is for whoever makes or hands out the next ones. */
static bool is_worth_looking(const struct inbox *inbox)
{
	return inbox->dropped - inbox->waited_at < MANY;
}

static ssize_t wait_and_read(struct inbox *inbox)
{
	bool looks = is_worth_looking(inbox), there = false;
	ssize_t n;

	patience_begin(&inbox->patience);
	while (looks && !there && patience_lasts(&inbox->patience))
		there = is_readable(inbox->fd);
	n = inbox_read(inbox);
	patience_end(&inbox->patience);
	inbox->waited_at = inbox->dropped;
	return n;
}

int inbox_wait(struct inbox *inbox, const uint8_t **ret)
{
	int r;

	while ((r = inbox_frame(inbox, ret)) == 0) {
		ssize_t n = wait_and_read(inbox);

		if (n <= 0)
			return (int)n;
	}
	return r;
}

void inbox_drop(struct inbox *inbox)
{
	if (inbox->status != SCAN_DONE)
		return;
	buf_consume(&inbox->buf, inbox->scan.len);
	scan_init(&inbox->scan, inbox->limit);
	inbox->status = SCAN_MORE;
	inbox->dropped++;
}
