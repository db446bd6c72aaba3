/* SPDX-License-Identifier: MIT */
/* Built more than once, so that a test can put one build in the place of another. */
#include <ruche/plugin.h>

static int test_version(struct ruche_task *task)
{
	return ruche_return_str(task, TEST_VERSION);
}

static const struct ruche_function functions[] = {
	{.name = "test.version", .run = test_version, .params = ""},
	{0},
};

RUCHE_PLUGIN_EXPORT const struct ruche_plugin ruche_plugin = {
	.abi = RUCHE_PLUGIN_ABI,
	.name = "version",
	.functions = functions,
};
