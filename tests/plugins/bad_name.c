/* SPDX-License-Identifier: MIT */
/* A bad plugin: a function of it takes a name that is the daemon's. */
#include <ruche/plugin.h>

static int nothing(struct ruche_task *task)
{
	return ruche_return_nil(task);
}

static const struct ruche_function functions[] = {
	{.name = "ruche.nothing", .run = nothing},
	{0},
};

RUCHE_PLUGIN_EXPORT const struct ruche_plugin ruche_plugin = {
	.abi = RUCHE_PLUGIN_ABI,
	.name = "bad_name",
	.functions = functions,
};
