/* SPDX-License-Identifier: MIT */
#include "wire/scan_head.h"

/*
 * Most frames are small and plain: a request or a response in the shortest form, all there, in which
 * nothing is nested.  These are passed in one go.  Like scan_leaf(), of bytes of which there is one at
 * least: the end of what it stepped over, or NULL if it is anything else; then the long way tells what it is.
 */

static inline const uint8_t *pass_msgid(const uint8_t *at, const uint8_t *end, uint32_t *ret)
{
	unsigned int width;

	if (*at == 0xce && end - at > 4) { /* as libruche and workers write it */
		*ret = (uint32_t)scan_load(at + 1, 4);
		return at + 5;
	}
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

static inline bool is_short_name(uint8_t first)
{
	return first > 0xa0 && first <= 0xbf;
}

/* Each of these three: false if it is no plain frame. */

static inline bool scan_request(
	struct scan *scan, const uint8_t *frame, const uint8_t *third, const uint8_t *end)
{
	size_t off = (size_t)(third - frame), name_len = *third & 0x1f, params = off + 1 + name_len;
	const uint8_t *at;

	if (!is_short_name(*third) || (size_t)(end - frame) <= params)
		return false;
	at = scan_leaves(frame + params, end);
	if (at == NULL)
		return false;
	scan->len = (size_t)(at - frame);
	scan->method = (struct span){off + 1, name_len};
	scan->params = (struct span){params, scan->len - params};
	scan->method_and_params = (struct span){off, scan->len - off};
	return true;
}

static inline bool scan_response(
	struct scan *scan, const uint8_t *frame, const uint8_t *third, const uint8_t *end)
{
	const uint8_t *fourth = *third == 0xc0 ? third + 1 : scan_leaf(third, end), *at;

	if (fourth == NULL || fourth == end)
		return false;
	at = scan_leaf(fourth, end);
	if (at == NULL)
		return false;
	scan->len = (size_t)(at - frame);
	scan->error = (struct span){(size_t)(third - frame), (size_t)(fourth - third)};
	scan->result = (struct span){(size_t)(fourth - frame), (size_t)(at - fourth)};
	return true;
}

static inline bool scan_plain(struct scan *scan, const uint8_t *frame, size_t len)
{
	const uint8_t *end = frame + (len < scan->limit ? len : scan->limit), *third;
	uint32_t msgid;

	if (end - frame < 4 || frame[0] != 0x94 || frame[1] > SCAN_RESPONSE)
		return false;
	third = pass_msgid(frame + 2, end, &msgid);
	if (third == NULL || third == end)
		return false;
	if (!(frame[1] == SCAN_REQUEST ? scan_request(scan, frame, third, end)
				       : scan_response(scan, frame, third, end)))
		return false;
	scan->type = (enum scan_type)frame[1];
	scan->msgid = msgid;
	scan->has_msgid = 1;
	return true;
}

int scan_feed(struct scan *scan, const void *frame, size_t len)
{
	if (scan->parts == 0 && scan_plain(scan, frame, len))
		return SCAN_DONE;
	return scan_any(scan, frame, len);
}
