/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <ruche/ruche.h>
#include <string.h>

#include "client/value.h"
#include "wire/message.h"
#include "wire/scan.h"

const char *ruche_code_name(enum ruche_code code)
{
	const char *name = message_code_name(code);

	return name == NULL ? "unknown" : name;
}

const char *ruche_executed_name(enum ruche_executed executed)
{
	const char *name = message_executed_name(executed);

	return name == NULL ? "unknown" : name;
}

size_t ruche_frame_max(void)
{
	return MESSAGE_FRAME_MAX;
}

const char *ruche_version(void)
{
	return PACKAGE_VERSION;
}

int ruche_unpack_int128(const void *data, size_t len, __int128 *ret)
{
	size_t value_len;

	if (data == NULL || ret == NULL || scan_value(data, len, &value_len) < 0 ||
		value_len != len)
		return -EINVAL;
	return value_get_int128(data, len, ret);
}

size_t ruche_pack_int128(__int128 value, void *buf)
{
	return buf == NULL ? 0 : message_write_int128(buf, value);
}
