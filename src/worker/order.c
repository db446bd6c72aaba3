/* SPDX-License-Identifier: MIT */
#include "worker/order.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/fd.h"
#include "wire/link.h"
#include "wire/message.h"
#include "wire/scan.h"

/* An integer among a request's params. */
static bool get_int(const msgpack_object *object, __int128 min, __int128 max, __int128 *ret)
{
	return message_get_int128(object, ret) == 0 && *ret >= min && *ret <= max;
}

static bool get_token(const msgpack_object *object, char ret[LINK_TOKEN_MAX + 1])
{
	const msgpack_object_str *text = &object->via.str;

	if (object->type != MSGPACK_OBJECT_STR || text->size > LINK_TOKEN_MAX)
		return false;
	if (text->size > 0)
		memcpy(ret, text->ptr, text->size);
	ret[text->size] = '\0';
	return strlen(ret) == text->size;
}

/* The number of control groups, which may be left out. */
static bool get_groups(const msgpack_object *params, size_t *ret)
{
	__int128 groups = 0;

	if (params->via.array.size > 4 &&
		!get_int(&params->via.array.ptr[4], 0, LINK_GROUPS_MAX, &groups))
		return false;
	*ret = (size_t)groups;
	return true;
}

static bool read_params(const msgpack_object *params, struct worker_birth *ret)
{
	const msgpack_object *p = params->via.array.ptr;
	__int128 slot, core, frame_max;

	if (params->type != MSGPACK_OBJECT_ARRAY || params->via.array.size < 4 ||
		!get_int(&p[0], 0, INT_MAX, &slot) || !get_int(&p[1], -1, INT_MAX, &core) ||
		!get_int(&p[2], 1, SIZE_MAX / 4, &frame_max) || !get_token(&p[3], ret->token))
		return false;
	ret->slot = (int)slot;
	ret->core = (int)core;
	ret->frame_max = (size_t)frame_max;
	return get_groups(params, &ret->groups);
}

static bool decode_params(const char *data, size_t len, struct worker_birth *ret)
{
	msgpack_unpacked unpacked;
	size_t off = 0;
	bool good;

	msgpack_unpacked_init(&unpacked);
	good = msgpack_unpack_next(&unpacked, data, len, &off) == MSGPACK_UNPACK_SUCCESS &&
	       read_params(&unpacked.data, ret);
	msgpack_unpacked_destroy(&unpacked);
	return good;
}

static bool is_method(const char *packet, const struct scan *scan, const char *name)
{
	return scan->method.len == strlen(name) &&
	       memcmp(packet + scan->method.off, name, scan->method.len) == 0;
}

/* `before`: descriptors that come before those of the groups. */
static bool read_fork(const char *packet, const struct scan *scan, size_t before, size_t nfds,
	struct worker_birth *ret)
{
	if (!is_method(packet, scan, LINK_FORK) ||
		!decode_params(packet + scan->params.off, scan->params.len, ret))
		return false;
	ret->watches_oom = ret->groups > 0 && nfds == before + ret->groups + 1;
	return ret->watches_oom || nfds == before + ret->groups;
}

static bool scan_packet(const char *packet, size_t len, struct scan *ret)
{
	scan_init(ret, LINK_PACKET_MAX);
	return scan_feed(ret, packet, len) == SCAN_DONE && ret->len == len &&
	       ret->type == SCAN_REQUEST;
}

int order_read(const char *packet, size_t len, size_t nfds, struct order *ret)
{
	struct scan scan;

	if (!scan_packet(packet, len, &scan))
		return -EPROTO;
	ret->id = scan.msgid;
	ret->stands_by = is_method(packet, &scan, LINK_STANDBY);
	if (ret->stands_by ? nfds != LINK_WORKER_FDS
			   : !read_fork(packet, &scan, LINK_WORKER_FDS, nfds, &ret->birth))
		return -EPROTO;
	return 0;
}

int order_await(struct worker_birth *birth)
{
	char packet[LINK_ORDER_MAX];
	struct scan scan;
	size_t nfds = 0;
	ssize_t len = fd_recv_packet(birth->go, 0, packet, sizeof(packet),
		birth->fds + LINK_WORKER_FDS, LINK_GROUP_FDS, &nfds);

	if (len <= 0)
		return len < 0 ? (int)len : -ECANCELED;
	return scan_packet(packet, (size_t)len, &scan) && read_fork(packet, &scan, 0, nfds, birth)
		       ? 0
		       : -EPROTO;
}
