/* SPDX-License-Identifier: MIT */
#include "client/args.h"

#include <errno.h>
#include <string.h>

#include "wire/message.h"

struct args {
	struct request *request;
	msgpack_packer *pk;
	va_list values;
};

static int pack_int64(struct args *args)
{
	return msgpack_pack_int64(args->pk, va_arg(args->values, int64_t));
}

static int pack_uint64(struct args *args)
{
	return msgpack_pack_uint64(args->pk, va_arg(args->values, uint64_t));
}

static int pack_double(struct args *args)
{
	return msgpack_pack_double(args->pk, va_arg(args->values, double));
}

static int pack_bool(struct args *args)
{
	return va_arg(args->values, int) != 0 ? msgpack_pack_true(args->pk)
					      : msgpack_pack_false(args->pk);
}

static int pack_nil(struct args *args)
{
	return msgpack_pack_nil(args->pk);
}

/* True: a reference stands for it. */
static bool share(struct request *request, bool is_str, const void *data, size_t len, int *ret)
{
	struct client_arena *arena;
	struct arena_ref ref;
	int lane;

	if (len < ARENA_MIN || !request->may_share)
		return false;
	request->has_large = true;
	arena = request->ruche->calls.arena;
	if (arena == NULL)
		return false;
	lane = arena_put_bytes(&arena->arena, 0, is_str, data, len, &ref);
	if (lane < 0)
		return false;
	request->lanes |= UINT64_C(1) << lane;
	*ret = message_pack_ref(&request->pk, &ref);
	return true;
}

static int pack_str(struct args *args)
{
	const char *text = va_arg(args->values, const char *);
	int r;

	if (text == NULL)
		return -EINVAL;
	if (share(args->request, true, text, strlen(text), &r))
		return r;
	return message_pack_str(args->pk, text);
}

static int pack_bin(struct args *args)
{
	const void *data = va_arg(args->values, const void *);
	size_t len = va_arg(args->values, size_t);
	int r;

	if (data == NULL && len > 0)
		return -EINVAL;
	if (share(args->request, false, data, len, &r))
		return r;
	return message_pack_bin(args->pk, data, len);
}

static int pack_packed(struct args *args)
{
	const void *data = va_arg(args->values, const void *);
	size_t len = va_arg(args->values, size_t);
	size_t value_len;

	if (data == NULL || scan_value(data, len, &value_len) < 0 || value_len != len)
		return -EINVAL;
	args->request->is_foreign = true; /* it may be nested too deeply for a frame */
	return args->pk->callback(args->pk->data, data, len);
}

static int (*const packers[128])(struct args *args) = {
	['i'] = pack_int64,
	['u'] = pack_uint64,
	['d'] = pack_double,
	['b'] = pack_bool,
	['n'] = pack_nil,
	['s'] = pack_str,
	['y'] = pack_bin,
	['m'] = pack_packed,
};

/* One value for each letter. */
static int pack_letters(struct request *request, const char *types, va_list values)
{
	struct args args = {.request = request, .pk = &request->pk};
	int r = 0;

	va_copy(args.values, values);
	for (; r == 0 && *types != '\0'; types++) {
		unsigned char letter = (unsigned char)*types;

		r = letter < 128 && packers[letter] != NULL ? packers[letter](&args) : -EINVAL;
	}
	va_end(args.values);
	return r;
}

int args_pack(struct request *request, const char *types, va_list values)
{
	int r = msgpack_pack_array(&request->pk, strlen(types));

	return r < 0 ? r : pack_letters(request, types, values);
}

int args_pack_value(struct request *request, const char *types, va_list values)
{
	if (types[0] == '\0')
		return msgpack_pack_nil(&request->pk);
	if (types[1] == '\0')
		return pack_letters(request, types, values);
	return args_pack(request, types, values);
}
