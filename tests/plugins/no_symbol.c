/* SPDX-License-Identifier: MIT */
/* A bad plugin: the symbol has another name. */
#include <ruche/plugin.h>

static int nothing(struct ruche_task *task)
{
	return ruche_return_nil(task);
}

static const struct ruche_function functions[] = {
	{.name = "no_symbol.nothing", .run = nothing},
	{0},
};

RUCHE_PLUGIN_EXPORT const struct ruche_plugin ruche_plugging = {
	.abi = RUCHE_PLUGIN_ABI,
	.name = "no_symbol",
	.functions = functions,
};
