/* SPDX-License-Identifier: MIT */

/*
 * Any bytes as ruche.conf: read or refused with a reason, and what is read is within the
 * limits that ruche.conf(5) tells.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/config_lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "line %d: not so: %s\n", __LINE__, #condition);            \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static void check_limits(const struct limits *limits)
{
	CHECK(limits->frame >= 1 << 16 && limits->frame <= 1 << 30);
	CHECK(limits->clients >= 1 && limits->clients <= 1000000);
	CHECK(limits->tasks >= 1 && limits->tasks <= 1 << 24);
	CHECK(limits->nested <= CONFIG_WORKERS_MAX);
	CHECK(limits->processes <= CONFIG_WORKERS_MAX);
}

static void check_pool(const struct config *config, const struct pool_config *pool)
{
	uint32_t min, max;

	CHECK(config_pool_name_is_valid(pool->name));
	CHECK(config_pool(config, pool->name) == pool);
	CHECK(pool->min <= CONFIG_WORKERS_MAX && pool->max <= CONFIG_WORKERS_MAX);
	config_pool_workers(pool, 4, &min, &max);
	CHECK(min >= 1 && min <= max && max <= CONFIG_WORKERS_MAX);
	CHECK((pool->cores == NULL) == (pool->core_count == 0));
	CHECK(!pool->has_umask || pool->umask <= 0777);
	CHECK(pool->nice >= -20 && pool->nice <= 19);
	for (size_t i = 0; i < pool->rlimit_count; i++)
		CHECK(pool->rlimits[i].limit.rlim_cur <= pool->rlimits[i].limit.rlim_max);
	for (size_t i = 0; i < pool->environment_count; i++)
		CHECK(pool->environment[i].name != NULL && pool->environment[i].value != NULL);
}

static void check_config(const struct config *config)
{
	CHECK(config->pool_count >= 1 && config->pool_count <= CONFIG_POOLS_MAX);
	CHECK(strcmp(config->pools[0].name, "default") == 0);
	CHECK(config->function_count <= CONFIG_FUNCTIONS_MAX);
	check_limits(&config->limits);
	for (size_t i = 0; i < config->pool_count; i++)
		check_pool(config, &config->pools[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[CONFIG_ERROR_MAX] = "";
	char *text = malloc(size + 1);
	struct config config;
	int r;

	CHECK(text != NULL && config_init(&config) == 0);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	r = config_read_text(&config, "fuzz", text, size, error);
	CHECK(r < 0 ? strncmp(error, "fuzz:", 5) == 0 : error[0] == '\0');
	if (r == 0) {
		check_config(&config);
		config_check(&config, error);
	}
	config_fini(&config);
	free(text);
	return 0;
}
