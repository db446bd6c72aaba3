/* SPDX-License-Identifier: MIT */
/* The next version of the daemon, as far as 46-upgrade.sh is concerned: another default. */
#include "supervisor/config.h"

int config_init_before(struct config *config);

#define config_init config_init_before
#include "../../src/supervisor/config.c"
#undef config_init

int config_init(struct config *config)
{
	int r = config_init_before(config);

	config->limits.quarantine_after = 4;
	return r;
}
