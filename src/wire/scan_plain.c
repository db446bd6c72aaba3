/* SPDX-License-Identifier: MIT */
#include "wire/scan_head.h"

/*
 * Most frames are small and plain: a request or a response in the shortest form, all there, in which
 * nothing is nested.  These are passed in one go.  Each of these: the end of what it stepped
 * over, or NULL if it is anything else; then the long way tells what it is.
 */

static inline const uint8_t *pass_leaf(const uint8_t *at, const uint8_t *end)
{
	size_t len = (size_t)(end - at);
	struct head head;

	if (!scan_read_head(at, len, &head) || head.shape >= SHAPE_ARRAY || head.shape == SHAPE_BAD)
		return NULL;
	return len >= head.size && len - head.size >= head.count ? at + head.size + head.count
								 : NULL;
}

static inline const uint8_t *pass_msgid(const uint8_t *at, const uint8_t *end, uint32_t *ret)
{
	unsigned int width;

	*ret = *at;
	if (*at < 0x80)
		return at + 1;
	if (*at < 0xcc || *at > 0xce)
		return NULL;
	width = 1U << (*at - 0xcc);
	if ((size_t)(end - at) <= width)
		return NULL;
	*ret = (uint32_t)scan_load(at + 1, width);
	return at + 1 + width;
}

static inline const uint8_t *pass_params(const uint8_t *at, const uint8_t *end)
{
	unsigned int count;

	if (at == end || *at < 0x90 || *at > 0x9f)
		return NULL;
	for (count = *at++ & 0x0f; count > 0 && at != NULL; count--)
		at = pass_leaf(at, end);
	return at;
}

static inline const uint8_t *pass_name(const uint8_t *at, const uint8_t *end)
{
	size_t len = 1 + (*at & 0x1f);

	return *at > 0xa0 && *at <= 0xbf && (size_t)(end - at) >= len ? at + len : NULL;
}

static inline bool pass_frame(struct scan *scan, const uint8_t *frame, size_t len)
{
	const uint8_t *end = frame + (len < scan->limit ? len : scan->limit), *third, *fourth, *at;
	uint32_t msgid;
	bool asks;

	if (end - frame < 4 || frame[0] != 0x94 || frame[1] > SCAN_RESPONSE)
		return false;
	asks = frame[1] == SCAN_REQUEST;
	third = pass_msgid(frame + 2, end, &msgid);
	if (third == NULL || third == end)
		return false;
	fourth = asks ? pass_name(third, end) : pass_leaf(third, end);
	if (fourth == NULL)
		return false;
	at = asks ? pass_params(fourth, end) : pass_leaf(fourth, end);
	if (at == NULL)
		return false;
	scan->type = (enum scan_type)frame[1];
	scan->msgid = msgid;
	scan->has_msgid = 1;
	scan->method = (struct span){(size_t)(third - frame) + 1, *third & 0x1f};
	scan->start[2] = (size_t)(third - frame);
	scan->start[3] = (size_t)(fourth - frame);
	scan->parts = scan->part = 4;
	scan->pos = (size_t)(at - frame);
	return true;
}

int scan_feed(struct scan *scan, const void *frame, size_t len)
{
	if (scan->parts == 0 && pass_frame(scan, frame, len))
		return scan_finish(scan);
	return scan_parts(scan, frame, len);
}
