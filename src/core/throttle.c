/* SPDX-License-Identifier: MIT */
#include "core/throttle.h"

bool throttle_take(struct throttle *throttle, uint64_t now)
{
	if (throttle->full_at < now)
		throttle->full_at = now;
	if (!throttle_is_closed(throttle, now) &&
		throttle->full_at - now > (THROTTLE_BURST - 1) * THROTTLE_STEP)
		throttle->opens_at = now + THROTTLE_PAUSE;
	if (throttle_is_closed(throttle, now)) {
		throttle->left_out++;
		return false;
	}
	throttle->full_at += THROTTLE_STEP;
	return true;
}

uint64_t throttle_collect(struct throttle *throttle)
{
	uint64_t count = throttle->left_out;

	throttle->left_out = 0;
	return count;
}
