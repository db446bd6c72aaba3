/* SPDX-License-Identifier: MIT */
/* A bad plugin: it was built for another ABI. */
#include <ruche/plugin.h>

static int nothing(struct ruche_task *task)
{
	return ruche_return_nil(task);
}

static const struct ruche_function functions[] = {
	{.name = "bad_abi.nothing", .run = nothing},
	{0},
};

RUCHE_PLUGIN_EXPORT const struct ruche_plugin ruche_plugin = {
	.abi = RUCHE_PLUGIN_ABI + 98,
	.name = "bad_abi",
	.functions = functions,
};
