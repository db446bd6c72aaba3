/* SPDX-License-Identifier: MIT */
#ifndef CHECK_BASE_H
#define CHECK_BASE_H

/* What the parts of check_base share. */

#include <check.h>

TCase *case_trust(void);

#endif
