/* SPDX-License-Identifier: MIT */
/* A bad plugin: it has a function that the tutorial plugin has as well. */
#include <ruche/plugin.h>

static int nothing(struct ruche_task *task)
{
	return ruche_return_nil(task);
}

static const struct ruche_function functions[] = {
	{.name = "cube", .run = nothing},
	{0},
};

RUCHE_PLUGIN_EXPORT const struct ruche_plugin ruche_plugin = {
	.abi = RUCHE_PLUGIN_ABI,
	.name = "dup",
	.functions = functions,
};
