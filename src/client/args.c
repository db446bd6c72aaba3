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

static int pack_str(struct args *args)
{
	const char *text = va_arg(args->values, const char *);

	return text == NULL ? -EINVAL : message_pack_str(args->pk, text);
}

static int pack_bin(struct args *args)
{
	const void *data = va_arg(args->values, const void *);
	size_t len = va_arg(args->values, size_t);

	return data == NULL && len > 0 ? -EINVAL : message_pack_bin(args->pk, data, len);
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

int args_pack(struct request *request, const char *types, va_list values)
{
	struct args args = {.request = request, .pk = &request->pk};
	int r = msgpack_pack_array(&request->pk, strlen(types));

	va_copy(args.values, values);
	for (; r == 0 && *types != '\0'; types++) {
		unsigned char letter = (unsigned char)*types;

		r = letter < 128 && packers[letter] != NULL ? packers[letter](&args) : -EINVAL;
	}
	va_end(args.values);
	return r;
}
