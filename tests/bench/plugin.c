/* SPDX-License-Identifier: MIT */
/* Task functions that only the benchmark needs. */
#include <ruche/plugin.h>

#include <time.h>
#include <unistd.h>

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

/* Says that it has begun, and does not end. */
static int hang(struct ruche_task *task)
{
	(void)ruche_progress(task, 0);
	for (;;)
		pause();
	return -1;
}

static const struct ruche_function functions[] = {
	{.name = "bench.spin", .run = spin, .params = "us", .summary = "busy for so long"},
	{.name = "bench.hang", .run = hang, .params = "", .summary = "for ever, and says so"},
	{0},
};

RUCHE_PLUGIN_EXPORT const struct ruche_plugin ruche_plugin = {
	.abi = RUCHE_PLUGIN_ABI,
	.name = "bench",
	.functions = functions,
};
