/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_ARGS_H
#define CLIENT_ARGS_H

#include <stdarg.h>

#include "client/request.h"

/*
 * Packs an array of the values that `types` announces, see ruche.h.  0, or -EINVAL or
 * another negative errno, for request_end().
 */
int args_pack(struct request *request, const char *types, va_list values);

/* The same as one value: one letter is that value, several are an array of them, none is nil. */
int args_pack_value(struct request *request, const char *types, va_list values);

#endif
