/* SPDX-License-Identifier: MIT */
/* A bad plugin: no worker that has it can be used. */
#include <ruche/plugin.h>

#include <stdio.h>

static int nothing(struct ruche_task *task)
{
	return ruche_return_nil(task);
}

static int init(void)
{
	fputs("init_fails: the moon is not full\n", stderr);
	return 7;
}

static const struct ruche_function functions[] = {
	{.name = "init_fails.nothing", .run = nothing},
	{0},
};

RUCHE_PLUGIN_EXPORT const struct ruche_plugin ruche_plugin = {
	.abi = RUCHE_PLUGIN_ABI,
	.name = "init_fails",
	.init = init,
	.functions = functions,
};
