/* SPDX-License-Identifier: MIT */
#include "client/source.h"

#include <errno.h>

#include "wire/scan.h"
#include "wire/scan_head.h"

void source_init(struct source *source, const struct ruche_items *items)
{
	*source = (struct source){.items = *items};
}

int source_init_array(struct source *source, const void *data, size_t len)
{
	uint32_t count;
	size_t value_len, head;

	if (scan_value(data, len, &value_len) < 0 || value_len != len)
		return -EINVAL;
	if (scan_array(data, len, &count, &head) < 0)
		return -EINVAL;
	*source = (struct source){.rest = {(const uint8_t *)data + head, len - head},
		.left = count,
		.ended = count == 0};
	return 0;
}

/* The length of the value that is there, or 0: there is none. */
static inline size_t measure(struct source *source, const uint8_t *data, size_t len)
{
	const uint8_t *end = len > 0 ? scan_leaf(data, data + len) : NULL;
	size_t value_len;

	source->is_leaf = end != NULL;
	if (end != NULL)
		return (size_t)(end - data);
	return scan_value(data, len, &value_len) < 0 ? 0 : value_len;
}

static void take_element(struct source *source)
{
	size_t len = measure(source, source->rest.data, source->rest.len);

	if (len == 0) {
		source->error = -EINVAL; /* it was changed since we looked at it all */
		source_end(source);
		return;
	}
	source->item = (struct piece){source->rest.data, len};
	source->rest = (struct piece){source->rest.data + len, source->rest.len - len};
	source->has_item = true;
	source->left--;
	source->ended = source->left == 0;
}

static void ask(struct source *source)
{
	const void *data = NULL;
	size_t len = 0;
	int r;

	source->is_asking = true;
	r = source->items.next(source->items.user, &data, &len);
	source->is_asking = false;
	if (r > 0 && (data == NULL || len == 0 || measure(source, data, len) != len))
		r = -EINVAL;
	source->has_item = r > 0;
	source->item = (struct piece){data, len};
	source->is_dry = r == -EAGAIN;
	if (r <= 0 && !source->is_dry) {
		source->ended = true;
		source->error = r;
	}
}

bool source_ask(struct source *source)
{
	if (source->ended)
		return false;
	if (source->items.next == NULL)
		take_element(source);
	else
		ask(source);
	return source->has_item;
}

void source_end(struct source *source)
{
	source->ended = true;
	source->left = 0;
}
