/* SPDX-License-Identifier: MIT */
#include "supervisor/writer.h"

#include "base/clock.h"
#include "wire/message.h"

void put_key(struct writer *w, const char *name)
{
	w->bad |= message_pack_str(w->pk, name);
}

void put_nil(struct writer *w, const char *name)
{
	put_key(w, name);
	w->bad |= msgpack_pack_nil(w->pk);
}

void put_bool(struct writer *w, const char *name, int value)
{
	put_key(w, name);
	w->bad |= value ? msgpack_pack_true(w->pk) : msgpack_pack_false(w->pk);
}

void put_str(struct writer *w, const char *name, const char *value)
{
	put_key(w, name);
	w->bad |= message_pack_str(w->pk, value);
}

void put_text(struct writer *w, const char *name, const void *text, size_t len)
{
	put_key(w, name);
	w->bad |= msgpack_pack_str_with_body(w->pk, text, len);
}

void put_uint(struct writer *w, const char *name, uint64_t value)
{
	put_key(w, name);
	w->bad |= msgpack_pack_uint64(w->pk, value);
}

void put_int(struct writer *w, const char *name, int64_t value)
{
	put_key(w, name);
	w->bad |= msgpack_pack_int64(w->pk, value);
}

void put_uint_if(struct writer *w, const char *name, uint64_t value, bool is_told)
{
	if (is_told)
		put_uint(w, name, value);
	else
		put_nil(w, name);
}

void put_int_or_nil(struct writer *w, const char *name, int64_t value)
{
	if (value < 0)
		put_nil(w, name);
	else
		put_int(w, name, value);
}

void put_double(struct writer *w, const char *name, double value)
{
	put_key(w, name);
	w->bad |= msgpack_pack_double(w->pk, value);
}

void put_seconds(struct writer *w, const char *name, uint64_t ns)
{
	put_double(w, name, (double)ns / (double)CLOCK_S);
}

void put_map(struct writer *w, const char *name, size_t pairs)
{
	put_key(w, name);
	w->bad |= msgpack_pack_map(w->pk, pairs);
}
