/* SPDX-License-Identifier: MIT */
#include "wire/scan.h"

#include <errno.h>
#include <string.h>

#include "wire/scan_head.h"

/* ---- heads ---------------------------------------------------------------------- */

/* clang-format off */
const struct first scan_firsts[256] = {
	[0x00 ... 0x7f] = {SHAPE_UINT, 0, 0, 0},
	[0x80 ... 0x8f] = {SHAPE_MAP, 0, 0x0f, 0},
	[0x90 ... 0x9f] = {SHAPE_ARRAY, 0, 0x0f, 0},
	[0xa0 ... 0xbf] = {SHAPE_STR, 0, 0x1f, 0},
	[0xc0] = {SHAPE_SCALAR, 0, 0, 0}, /* nil */
	[0xc1] = {SHAPE_BAD, 0, 0, 0},
	[0xc2 ... 0xc3] = {SHAPE_SCALAR, 0, 0, 0}, /* false, true */
	[0xc4] = {SHAPE_BIN, 1, 0, 0}, {SHAPE_BIN, 2, 0, 0}, {SHAPE_BIN, 4, 0, 0},
	[0xc7] = {SHAPE_EXT, 1, 0, 1}, {SHAPE_EXT, 2, 0, 1}, {SHAPE_EXT, 4, 0, 1},
	[0xca] = {SHAPE_SCALAR, 0, 0, 4}, {SHAPE_SCALAR, 0, 0, 8}, /* float, double */
	[0xcc] = {SHAPE_UINT, 0, 0, 1}, {SHAPE_UINT, 0, 0, 2}, {SHAPE_UINT, 0, 0, 4},
	[0xcf] = {SHAPE_UINT, 0, 0, 8},
	[0xd0] = {SHAPE_INT, 0, 0, 1}, {SHAPE_INT, 0, 0, 2}, {SHAPE_INT, 0, 0, 4},
	[0xd3] = {SHAPE_INT, 0, 0, 8},
	[0xd4] = {SHAPE_EXT, 0, 0, 2}, {SHAPE_EXT, 0, 0, 3}, {SHAPE_EXT, 0, 0, 5},
	[0xd7] = {SHAPE_EXT, 0, 0, 9}, {SHAPE_EXT, 0, 0, 17},
	[0xd9] = {SHAPE_STR, 1, 0, 0}, {SHAPE_STR, 2, 0, 0}, {SHAPE_STR, 4, 0, 0},
	[0xdc] = {SHAPE_ARRAY, 2, 0, 0}, {SHAPE_ARRAY, 4, 0, 0},
	[0xde] = {SHAPE_MAP, 2, 0, 0}, {SHAPE_MAP, 4, 0, 0},
	[0xe0 ... 0xff] = {SHAPE_INT, 0, 0, 0},
};
/* clang-format on */

enum { RUN_MIN = 16 }; /* values of a container: else it is not worth a look */

/* ---- values --------------------------------------------------------------------- */

static int fail(struct scan *scan, int status, const char *why)
{
	scan->why = why;
	return status;
}

/* Declares `count` values more, which must fit in what the limit leaves after `size` bytes. */
static inline int enter(struct scan *scan, const struct head *head)
{
	uint64_t count = head->shape == SHAPE_MAP ? (uint64_t)head->count * 2 : head->count;

	if (scan->depth == SCAN_DEPTH_MAX)
		return fail(scan, -EPROTO, "nested too deeply");
	if (head->size + count > scan->limit - scan->pos - scan->owed)
		return fail(scan, -EMSGSIZE, "more elements declared than a frame may hold");
	scan->pos += head->size;
	scan->owed += count;
	scan->left[scan->depth++] = count;
	return 0;
}

/*
 * Steps over a leaf or into a container.  `pos` may then lie beyond the bytes that have
 * come: nothing is to be seen in the body of a string.
 */
static inline int take(struct scan *scan, const struct head *head)
{
	uint64_t size = (uint64_t)head->size + head->count;

	if (head->shape >= SHAPE_ARRAY)
		return enter(scan, head);
	if (head->shape == SHAPE_BAD)
		return fail(scan, -EPROTO, "0xc1 begins no value");
	if (size > scan->limit - scan->pos - scan->owed)
		return fail(scan, -EMSGSIZE, "longer than a frame may be");
	scan->pos += (size_t)size;
	return 0;
}

/* One value of the innermost container, or its end: 1, SCAN_MORE or negative. */
static inline int skip_one(struct scan *scan, const uint8_t *frame, size_t len)
{
	struct head head;
	int r;

	if (scan->left[scan->depth - 1] == 0) {
		scan->depth--;
		return 1;
	}
	if (scan->pos >= len || !scan_read_head(frame + scan->pos, len - scan->pos, &head))
		return SCAN_MORE;
	scan->left[scan->depth - 1]--;
	scan->owed--;
	r = take(scan, &head);
	return r < 0 ? r : 1;
}

/* The length of a leaf whose first byte tells it and no more; 0: of something else. */
static inline size_t fixed_length(uint8_t first)
{
	const struct first *f = &scan_firsts[first];

	return f->shape > SHAPE_BAD && f->shape < SHAPE_STR ? 1U + f->fixed : 0;
}

/*
 * Leaves that follow each other and are as long as the first, as numbers often are: the end of them, or of none.  Where one ends is
 * known before it was read, so that the processor reads several at once.
 */
static inline const uint8_t *pass_run(
	struct scan *scan, const uint8_t *frame, const uint8_t *at, const uint8_t *end)
{
	const size_t len = fixed_length(*at);
	const uint64_t left = scan->left[scan->depth - 1];
	uint64_t count = 0, room = scan->limit - (size_t)(at - frame);

	if (len == 0 || left < RUN_MIN || room < scan->owed)
		return at;
	room -= scan->owed; /* a byte was set aside for each, so that it takes so many more */
	while (count < left && room >= len - 1 && (size_t)(end - at) >= len &&
		fixed_length(*at) == len) {
		at += len;
		room -= len - 1;
		count++;
	}
	scan->left[scan->depth - 1] -= count;
	scan->owed -= count;
	return at;
}

/*
 * As many of the innermost container as lie here whole, and within the limit: they are most of what there is.  A short array of them
 * is passed like one, since it takes nothing of the limit that its bytes do not.
 */
static inline void skip_leaves(struct scan *scan, const uint8_t *frame, size_t len)
{
	const uint8_t *at = frame + scan->pos,
		      *end = frame + (len < scan->limit ? len : scan->limit);
	uint64_t *left = &scan->left[scan->depth - 1];

	while (*left > 0 && at < end) {
		const uint8_t *next = pass_run(scan, frame, at, end);

		if (next != at) {
			at = next;
			continue;
		}
		next = scan_leaf(at, end);
		if (next == NULL && scan->depth < SCAN_DEPTH_MAX)
			next = scan_leaves(at, end);
		if (next == NULL || scan->owed > scan->limit - (size_t)(next - frame) + 1)
			break;
		at = next;
		--*left;
		scan->owed--;
	}
	scan->pos = (size_t)(at - frame);
}

/* Goes on until no container above `floor` is open: 1; or SCAN_MORE, or negative. */
static int skip(struct scan *scan, const uint8_t *frame, size_t len, unsigned int floor)
{
	while (scan->depth > floor) {
		int r;

		if (scan->pos < len)
			skip_leaves(scan, frame, len);
		r = skip_one(scan, frame, len);

		if (r <= 0)
			return r;
	}
	return scan->pos <= len ? 1 : SCAN_MORE;
}

/* ---- the envelope --------------------------------------------------------------- */

enum part { PART_TYPE, PART_MSGID, PART_METHOD, PART_PARAMS, PART_ANY };

/* The type is read as that of a request, which it has in common with the others. */
static const uint8_t layout[][4] = {
	[SCAN_REQUEST] = {PART_TYPE, PART_MSGID, PART_METHOD, PART_PARAMS},
	[SCAN_RESPONSE] = {PART_TYPE, PART_MSGID, PART_ANY, PART_ANY},
	[SCAN_NOTIFICATION] = {PART_TYPE, PART_METHOD, PART_PARAMS},
};

/* 1: its value in *ret.  SCAN_MORE.  -EPROTO: something else. */
static int read_uint(const uint8_t *at, size_t len, const struct head *head, uint64_t *ret)
{
	if (head->shape != SHAPE_UINT && head->shape != SHAPE_INT)
		return -EPROTO;
	if (len < head->size)
		return SCAN_MORE;
	if (head->shape == SHAPE_INT && (head->size == 1 || at[1] >= 0x80))
		return -EPROTO;
	*ret = head->size == 1 ? *at : scan_load(at + 1, head->size - 1);
	return 1;
}

static int check_type(struct scan *scan, const uint8_t *at, size_t len, const struct head *head)
{
	uint64_t type = 0;
	int r = read_uint(at, len, head, &type);

	if (r == SCAN_MORE)
		return r;
	if (r < 0 || type > SCAN_NOTIFICATION)
		return fail(scan, -EPROTO, "the type must be 0, 1 or 2");
	if ((type == SCAN_NOTIFICATION) != (scan->parts == 3))
		return fail(scan, -EPROTO, "a message of this type has another number of elements");
	scan->type = (enum scan_type)type;
	return 1;
}

static int check_msgid(struct scan *scan, const uint8_t *at, size_t len, const struct head *head)
{
	uint64_t msgid = 0;
	int r = read_uint(at, len, head, &msgid);

	if (r == SCAN_MORE)
		return r;
	if (r < 0 || msgid > UINT32_MAX)
		return fail(scan, -EPROTO, "the msgid must be an integer from 0 to 4294967295");
	scan->msgid = (uint32_t)msgid;
	scan->has_msgid = 1;
	return 1;
}

static int check_method(struct scan *scan, const uint8_t *at, size_t len, const struct head *head)
{
	(void)at;
	(void)len;
	if (head->count == 0 || head->count > SCAN_METHOD_MAX)
		return fail(scan, -EPROTO, "the method must have 1 to 255 bytes");
	scan->method = (struct span){scan->pos + head->size, head->count};
	return 1;
}

/* What each part must be: of a shape, which its first byte tells, and as a check finds it. */
static const struct rule {
	enum shape shape; /* SHAPE_BAD: any, as far as this goes */
	const char *why;
	int (*check)(struct scan *scan, const uint8_t *at, size_t len, const struct head *head);
} rules[] = {
	[PART_TYPE] = {SHAPE_BAD, NULL, check_type},
	[PART_MSGID] = {SHAPE_BAD, NULL, check_msgid},
	[PART_METHOD] = {SHAPE_STR, "the method must be a string", check_method},
	[PART_PARAMS] = {SHAPE_ARRAY, "the params must be an array", NULL},
	[PART_ANY] = {SHAPE_BAD, NULL, NULL},
};

/* Each of these three: 1, SCAN_MORE or negative. */

static int begin_envelope(struct scan *scan, const uint8_t *frame, size_t len)
{
	static const char why[] = "a message must be an array of 3 or 4 elements";
	struct head head;
	int r;

	if (len > 0 && scan_firsts[*frame].shape != SHAPE_ARRAY)
		return fail(scan, -EPROTO, why);
	if (!scan_read_head(frame, len, &head))
		return SCAN_MORE;
	if (head.count < 3 || head.count > 4)
		return fail(scan, -EPROTO, why);
	scan->parts = head.count;
	scan->start[0] = head.size;
	r = enter(scan, &head);
	return r < 0 ? r : 1;
}

static int begin_part(struct scan *scan, const uint8_t *frame, size_t len)
{
	const struct rule *rule = &rules[layout[scan->type][scan->part]];
	const uint8_t *at = frame + scan->pos;
	struct head head;
	int r;

	len -= scan->pos;
	if (rule->shape != SHAPE_BAD && len > 0 && scan_firsts[*at].shape != rule->shape)
		return fail(scan, -EPROTO, rule->why);
	if (!scan_read_head(at, len, &head))
		return SCAN_MORE;
	r = rule->check == NULL ? 1 : rule->check(scan, at, len, &head);
	if (r <= 0)
		return r;
	scan->owed--;
	r = take(scan, &head);
	return r < 0 ? r : 1;
}

static int next_part(struct scan *scan, const uint8_t *frame, size_t len)
{
	int r = 1;

	if (scan->parts == 0)
		return begin_envelope(scan, frame, len);
	if (scan->pos == scan->start[scan->part])
		r = begin_part(scan, frame, len);
	if (r > 0)
		r = skip(scan, frame, len, 1);
	if (r > 0 && ++scan->part < scan->parts)
		scan->start[scan->part] = scan->pos;
	return r;
}

static struct span span_between(size_t from, size_t to)
{
	return (struct span){from, to - from};
}

static int finish(struct scan *scan)
{
	const size_t *last = &scan->start[scan->parts - 1];

	scan->len = scan->pos;
	if (scan->type == SCAN_RESPONSE) {
		scan->error = span_between(last[-1], last[0]);
		scan->result = span_between(last[0], scan->len);
	} else {
		scan->params = span_between(last[0], scan->len);
		scan->method_and_params = span_between(last[-1], scan->len);
	}
	return SCAN_DONE;
}

void scan_init(struct scan *scan, size_t limit)
{
	/* The rest is written before it is read; to clear it all would cost as much as a frame. */
	scan->type = SCAN_REQUEST;
	scan->why = NULL;
	scan->has_msgid = 0;
	scan->limit = limit;
	scan->pos = 0;
	scan->owed = 0;
	scan->depth = scan->part = scan->parts = 0;
}

int scan_any(struct scan *scan, const uint8_t *frame, size_t len)
{
	while (scan->parts == 0 || scan->part < scan->parts) {
		int r = next_part(scan, frame, len);

		if (r <= 0)
			return r;
	}
	return finish(scan);
}

/* ---- single values -------------------------------------------------------------- */

int scan_value_inside(const void *data, size_t len, unsigned int depth, size_t *ret_len)
{
	const uint8_t *leaf = len > 0 ? scan_leaf(data, (const uint8_t *)data + len) : NULL;
	struct scan scan;
	struct head head;

	if (leaf != NULL) {
		*ret_len = (size_t)(leaf - (const uint8_t *)data);
		return 0;
	}
	scan_init(&scan, len);
	scan.depth = depth;
	if (!scan_read_head(data, len, &head) || take(&scan, &head) < 0 ||
		skip(&scan, data, len, depth) <= 0)
		return -EPROTO;
	*ret_len = scan.pos;
	return 0;
}

int scan_value(const void *data, size_t len, size_t *ret_len)
{
	return scan_value_inside(data, len, 0, ret_len);
}

static int scan_count(
	const void *data, size_t len, enum shape shape, uint32_t *ret, size_t *ret_head)
{
	struct head head;

	if (!scan_read_head(data, len, &head) || head.shape != shape)
		return -EPROTO;
	*ret = head.count;
	*ret_head = head.size;
	return 0;
}

int scan_array(const void *data, size_t len, uint32_t *ret_count, size_t *ret_head)
{
	return scan_count(data, len, SHAPE_ARRAY, ret_count, ret_head);
}

int scan_map(const void *data, size_t len, uint32_t *ret_count, size_t *ret_head)
{
	return scan_count(data, len, SHAPE_MAP, ret_count, ret_head);
}

int scan_str(const void *data, size_t len, uint32_t *ret_len, size_t *ret_head)
{
	return scan_count(data, len, SHAPE_STR, ret_len, ret_head);
}

int scan_bin(const void *data, size_t len, uint32_t *ret_len, size_t *ret_head)
{
	return scan_count(data, len, SHAPE_BIN, ret_len, ret_head);
}

int scan_uint(const void *data, size_t len, uint64_t *ret, size_t *ret_len)
{
	struct head head;

	if (!scan_read_head(data, len, &head) || read_uint(data, len, &head, ret) <= 0)
		return -EPROTO;
	*ret_len = head.size;
	return 0;
}

int scan_number(const void *data, size_t len, double *ret)
{
	const uint8_t *at = data;
	uint64_t value;
	size_t size;
	float single;

	if (scan_uint(data, len, &value, &size) == 0) {
		*ret = (double)value;
		return 0;
	}
	if (len >= 9 && *at == 0xcb) {
		value = scan_load(at + 1, 8);
		memcpy(ret, &value, sizeof(*ret));
		return 0;
	}
	if (len >= 5 && *at == 0xca) {
		uint32_t bits = (uint32_t)scan_load(at + 1, 4);

		memcpy(&single, &bits, sizeof(single));
		*ret = (double)single;
		return 0;
	}
	return -EPROTO;
}
