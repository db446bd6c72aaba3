/* SPDX-License-Identifier: MIT */
/* A bad plugin: every worker that has it dies before it is ready. */
#include <ruche/plugin.h>

#include <signal.h>

static int nothing(struct ruche_task *task)
{
	return ruche_return_nil(task);
}

static int init(void)
{
	signal(SIGSEGV, SIG_DFL);
	return raise(SIGSEGV);
}

static const struct ruche_function functions[] = {
	{.name = "init_dies.nothing", .run = nothing},
	{0},
};

RUCHE_PLUGIN_EXPORT const struct ruche_plugin ruche_plugin = {
	.abi = RUCHE_PLUGIN_ABI,
	.name = "init_dies",
	.init = init,
	.functions = functions,
};
