/* SPDX-License-Identifier: MIT */
#include "core/restart.h"

enum restart_verdict restart_decide(
	struct restart *restart, enum restart_life life, uint64_t *ret_delay)
{
	uint64_t delay = RESTART_DELAY_FIRST;

	if (life == RESTART_USEFUL) {
		*restart = (struct restart){0};
		return RESTART_NOW;
	}
	restart->useless++;
	restart->stillborn = life == RESTART_NEVER_READY ? restart->stillborn + 1 : 0;
	if (restart->stillborn >= RESTART_TRIES)
		return RESTART_GIVE_UP;
	if (restart->useless == 1)
		return RESTART_NOW;
	for (unsigned int i = 2; i < restart->useless && delay < RESTART_DELAY_MAX; i++)
		delay *= 2;
	*ret_delay = delay < RESTART_DELAY_MAX ? delay : RESTART_DELAY_MAX;
	return RESTART_LATER;
}
