/* SPDX-License-Identifier: MIT */
/* Task functions that only the benchmark needs. */
#include <ruche/plugin.h>

#include <time.h>

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* Keeps a core busy for so long. */
static int spin(struct ruche_task *task)
{
	uint64_t us, start = now_us();

	if (ruche_arg_uint64(task, 0, &us) < 0)
		return -1;
	while (now_us() - start < us)
		;
	return ruche_return_nil(task);
}

static const struct ruche_function functions[] = {
	{.name = "bench.spin", .run = spin, .params = "us", .summary = "busy for so long"},
	{0},
};

RUCHE_PLUGIN_EXPORT const struct ruche_plugin ruche_plugin = {
	.abi = RUCHE_PLUGIN_ABI,
	.name = "bench",
	.functions = functions,
};
