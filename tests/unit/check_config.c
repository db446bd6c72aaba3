/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "check_config.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "supervisor/config_keys.h"
#include "supervisor/config_values.h"

#include "check_main.h"

struct config config;
char error[CONFIG_ERROR_MAX];

static char folder[] = "/tmp/ruche-config.XXXXXX";

/* ---- the rig ---------------------------------------------------------------------------- */

void set_up(void)
{
	strcpy(folder, "/tmp/ruche-config.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(config_init(&config), 0);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void tear_down(void)
{
	config_fini(&config);
	nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

const char *path_of(const char *name)
{
	static char paths[8][PATH_MAX];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, PATH_MAX, "%s/%s", folder, name);
	return path;
}

const char *write_bytes(const char *name, const void *data, size_t len)
{
	const char *path = path_of(name);
	FILE *file = fopen(path, "wb");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(data, 1, len, file), len);
	ck_assert_int_eq(fclose(file), 0);
	return path;
}

const char *write_file(const char *name, const char *text)
{
	return write_bytes(name, text, strlen(text));
}

const char *make_folder(const char *name)
{
	const char *path = path_of(name);

	ck_assert_int_eq(mkdir(path, 0700), 0);
	return path;
}

int read_text(const char *text)
{
	return config_read(&config, write_file("conf", text), error);
}

void read_good(const char *text)
{
	int r = read_text(text);

	ck_assert_msg(r == 0, "%d: %s", r, error);
}

/* ---- defaults --------------------------------------------------------------------------- */

static void assert_default_limits(const struct limits *limits)
{
	ck_assert_uint_eq(limits->connection_tasks, 65536);
	ck_assert_uint_eq(limits->connection_bytes, SIZE_M * 64);
	ck_assert_uint_eq(limits->user_tasks, 500000);
	ck_assert_uint_eq(limits->user_bytes, SIZE_G);
	ck_assert_uint_eq(limits->tasks, 1000000);
	ck_assert_uint_eq(limits->bytes, SIZE_G * 2);
	ck_assert_uint_eq(limits->user_running, 0);
	ck_assert_uint_eq(limits->unread_bytes, SIZE_M);
	ck_assert_uint_eq(limits->unread_timeout, 60 * CLOCK_S);
	ck_assert_uint_eq(limits->unread_total, SIZE_M * 256);
	ck_assert_uint_eq(limits->frame, SIZE_M * 64);
	ck_assert_uint_eq(limits->clients, 1024);
	ck_assert_uint_eq(limits->keep_time, 3600 * CLOCK_S);
	ck_assert_uint_eq(limits->keep_bytes, SIZE_M * 256);
	ck_assert_uint_eq(limits->log_bytes, SIZE_M);
	ck_assert_uint_eq(limits->quarantine_after, 10);
	ck_assert_uint_eq(limits->user_objects, 1024);
	ck_assert_uint_eq(limits->user_object_bytes, SIZE_M * 256);
	ck_assert_uint_eq(limits->nested, 256);
	ck_assert_uint_eq(limits->processes, 256);
}

static void assert_default_pool(const struct pool_config *pool)
{
	ck_assert_str_eq(pool->name, "default");
	ck_assert_str_eq(pool->runtime, FORKSERVER_PATH);
	ck_assert_uint_eq(pool->min, 0);
	ck_assert_uint_eq(pool->max, 0);
	ck_assert_uint_eq(pool->spare, 0);
	ck_assert(pool->pinned && pool->cores == NULL);
	ck_assert(pool->user == NULL && pool->init == NULL);
	ck_assert(!pool->has_nice && !pool->has_umask);
	ck_assert_uint_eq(pool->environment_count + pool->rlimit_count + pool->plugin_count, 0);
	ck_assert_uint_eq(pool->max_tasks + pool->max_memory, 0);
	ck_assert_uint_eq(pool->grace, 5 * CLOCK_S);
}

static void assert_defaults(void)
{
	assert_default_limits(&config.limits);
	ck_assert_ptr_null(config.socket);
	ck_assert_uint_eq(config.stop_grace, 10 * CLOCK_S);
	ck_assert_uint_eq(config.pool_count, 1);
	ck_assert_uint_eq(config.function_count, 0);
	assert_default_pool(&config.pools[0]);
	ck_assert_int_eq(config_check(&config, error), 0);
	ck_assert_str_eq(error, "");
}

START_TEST(without_a_file_everything_has_its_default)
{
	assert_defaults();
	ck_assert_uint_eq(config.text_count, 0);
}
END_TEST

static const char *const nothings[] = {"", "\n", "\n\n  \n\t\n", "# no more\n; than this",
	"\xef\xbb\xbf", "[daemon]\n[limits]\n[pool default]\n", "\xef\xbb\xbf# said\r\n\r\n"};

START_TEST(file_that_says_nothing_changes_nothing)
{
	read_good(nothings[_i]);
	assert_defaults();
	ck_assert_str_eq(config.texts[0].file, path_of("conf"));
}
END_TEST

/* ---- every key -------------------------------------------------------------------------- */

#define LIMIT(member, value) #member " = " value "\n", offsetof(struct limits, member)

static const struct {
	const char *line;
	size_t offset;
	uint64_t expected;
} limit_lines[] = {
	{LIMIT(connection_tasks, "7"), 7},
	{LIMIT(connection_bytes, "3M"), SIZE_M * 3},
	{LIMIT(user_tasks, "8"), 8},
	{LIMIT(user_bytes, "2G"), SIZE_G * 2},
	{LIMIT(tasks, "16777216"), 16777216},
	{LIMIT(bytes, "1T"), SIZE_T},
	{LIMIT(user_running, "5"), 5},
	{LIMIT(unread_bytes, "4096"), 4096},
	{LIMIT(unread_timeout, "1.5"), 1500 * CLOCK_MS},
	{LIMIT(unread_total, "5M"), SIZE_M * 5},
	{LIMIT(frame, "64K"), SIZE_K * 64},
	{LIMIT(clients, "1"), 1},
	{LIMIT(keep_time, "2 d"), 2 * TIME_DAY},
	{LIMIT(arena, "0"), 0},
	{LIMIT(arena_total, "0"), 0},
	{LIMIT(keep_bytes, "0"), 0},
	{LIMIT(log_bytes, "100"), 100},
	{LIMIT(quarantine_after, "0"), 0},
	{LIMIT(user_objects, "0"), 0},
	{LIMIT(user_object_bytes, "1K"), 1024},
	{LIMIT(nested, "1024"), 1024},
	{LIMIT(processes, "0"), 0},
};

enum { LIMITS = sizeof(limit_lines) / sizeof(*limit_lines) };

START_TEST(every_limit_is_read_into_its_own_field)
{
	char text[128];
	struct limits before = config.limits;
	uint64_t *field = (uint64_t *)((char *)&config.limits + limit_lines[_i].offset);

	snprintf(text, sizeof(text), "[limits]\n%s", limit_lines[_i].line);
	read_good(text);
	ck_assert_uint_eq(*field, limit_lines[_i].expected);
	*field = *(uint64_t *)((char *)&before + limit_lines[_i].offset);
	assert_default_limits(&config.limits);
}
END_TEST

START_TEST(every_limit_has_its_line_in_that_test)
{
	ck_assert_uint_eq(LIMITS, sizeof(struct limits) / sizeof(uint64_t));
	ck_assert_uint_eq(LIMITS, config_sections[SECTION_LIMITS].key_count);
}
END_TEST

START_TEST(daemon_section_is_read)
{
	read_good("[daemon]\nsocket = /tmp/a b.sock\nstop_grace = 250ms\n");
	ck_assert_str_eq(config.socket, "/tmp/a b.sock");
	ck_assert_uint_eq(config.stop_grace, 250 * CLOCK_MS);
}
END_TEST

START_TEST(socket_may_be_for_a_group)
{
	ck_assert_uint_eq(config.socket_mode, 0600);
	ck_assert_ptr_null(config.socket_group);
	read_good("[daemon]\nsocket_mode = 0660\nsocket_group = root\n");
	ck_assert_uint_eq(config.socket_mode, 0660);
	ck_assert_uint_eq(config.socket_gid, 0);
	read_good("[daemon]\nsocket_mode = 666\nsocket_group = 54321\n");
	ck_assert_uint_eq(config.socket_mode, 0666);
	ck_assert_uint_eq(config.socket_gid, 54321);
	read_good("[daemon]\nsocket_group =\n");
	ck_assert_ptr_null(config.socket_group);
}
END_TEST

static void assert_patterns(const struct access_patterns *patterns, const char *all)
{
	char text[256] = "";

	for (size_t i = 0; i < patterns->count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i > 0 ? " " : "",
			patterns->all[i]);
	ck_assert_str_eq(text, all);
}

START_TEST(allow_section_is_read)
{
	const struct access_rule *rule;

	read_good("[allow others]\nusers = 5\n"
		  "[allow staff]\nusers = root 1000\nusers =   77\t78\ngroups = root 50\n"
		  "functions = primes.* default/[a-c]ube\nfunctions = *\ncommands = ls /bin/*\n"
		  "pools = def* default\nmethods = drain tasks\nmethods = drain reload\n"
		  "user_tasks = 7\nuser_bytes = 1M\nuser_running = 0\n");
	ck_assert_uint_eq(config.policy.count, 2);
	rule = &config.policy.rules[1];
	ck_assert_str_eq(rule->name, "staff");
	ck_assert(!rule->everybody);
	ck_assert_uint_eq(rule->uid_count, 4);
	ck_assert_uint_eq(rule->uids[0], 0);
	ck_assert_uint_eq(rule->uids[3], 78);
	ck_assert_uint_eq(rule->gid_count, 2);
	ck_assert_uint_eq(rule->gids[1], 50);
	assert_patterns(&rule->functions, "primes.* default/[a-c]ube *");
	assert_patterns(&rule->commands, "ls /bin/*");
	assert_patterns(&rule->pools, "def* default");
	ck_assert(!rule->any_command);
	ck_assert_uint_eq(rule->methods, ACCESS_DRAIN | ACCESS_TASKS | ACCESS_RELOAD);
	ck_assert_uint_eq(rule->user_tasks, 7);
	ck_assert_uint_eq(rule->user_bytes, 1 << 20);
	ck_assert_uint_eq(rule->user_running, 0);
	ck_assert_int_eq(config_check(&config, error), 0);
}
END_TEST

START_TEST(a_later_file_takes_back_what_is_allowed)
{
	const struct access_rule *rule;

	make_folder("conf.d");
	write_file("conf.d/a.conf", "[allow x]\nusers =\ngroups =\nfunctions =\ncommands = no\n"
				    "pools =\nmethods =\nmethods = admin\n");
	read_good("[allow x]\nusers = * 5\ngroups = 5\nfunctions = a\ncommands = yes\n"
		  "pools = default\nmethods = reload\n");
	rule = &config.policy.rules[0];
	ck_assert(!rule->everybody && !rule->any_command);
	ck_assert_uint_eq(rule->uid_count + rule->gid_count, 0);
	ck_assert_uint_eq(rule->functions.count + rule->commands.count + rule->pools.count, 0);
	ck_assert_uint_eq(rule->methods, ACCESS_ADMIN);
	ck_assert_uint_eq(rule->user_tasks, ACCESS_NOT_SAID);
}
END_TEST

START_TEST(pool_section_is_read)
{
	struct pool_config *pool;

	read_good("[pool gpu]\nruntime = /bin/true\nmin = 2\nmax = 1024\nspare = 1\nuser = root\n"
		  "nice = -20\numask = 0027\nmax_tasks = 1000\nmax_memory = 2G\ninit = load.model\n"
		  "grace = 1min\ncores = 0-2, 5\n");
	pool = config_pool(&config, "gpu");
	ck_assert_ptr_eq(pool, &config.pools[1]);
	ck_assert_str_eq(pool->runtime, "/bin/true");
	ck_assert(pool->min == 2 && pool->max == 1024 && pool->spare == 1);
	ck_assert_str_eq(pool->user, "root");
	ck_assert(pool->has_nice && pool->nice == -20);
	ck_assert(pool->has_umask && pool->umask == 027);
	ck_assert_uint_eq(pool->max_tasks, 1000);
	ck_assert_uint_eq(pool->max_memory, SIZE_G * 2);
	ck_assert_str_eq(pool->init, "load.model");
	ck_assert_uint_eq(pool->grace, 60 * CLOCK_S);
	ck_assert(pool->pinned && pool->core_count == 4);
	ck_assert_mem_eq(pool->cores, ((int[]){0, 1, 2, 5}), 4 * sizeof(int));
	assert_default_pool(&config.pools[0]);
}
END_TEST

START_TEST(confinement_is_read)
{
	const struct pool_config *pool = &config.pools[0];

	read_good("[pool default]\nwritable = /tmp\nwritable = none\ncgroup = yes\n"
		  "memory_max = 64M\npids_max = 20\ncpu_max = 150%\n");
	ck_assert_uint_eq(pool->writable_count, 2);
	ck_assert_str_eq(pool->writable[0], "/tmp");
	ck_assert_str_eq(pool->writable[1], "none");
	ck_assert(pool->memory_max == SIZE_M * 64 && pool->pids_max == 20);
	ck_assert_uint_eq(pool->cpu_max, 150);
	ck_assert(config_pool_gains_nothing(pool) && config_pool_has_group(pool));
	read_good("[pool default]\nwritable =\ncgroup = no\nmemory_max = 0\npids_max = 0\n"
		  "cpu_max = 0\n");
	ck_assert_uint_eq(pool->writable_count, 0);
	ck_assert(!config_pool_gains_nothing(pool) && !config_pool_has_group(pool));
	read_good("[pool default]\nno_new_privs = yes\n");
	ck_assert(config_pool_gains_nothing(pool));
}
END_TEST

START_TEST(limits_of_a_group_bring_one)
{
	static const char *const limits[] = {"memory_max = 1G", "pids_max = 1", "cpu_max = 1%"};
	char text[128];

	snprintf(text, sizeof(text), "[pool default]\n%s\n", limits[_i]);
	read_good(text);
	ck_assert(config_pool_has_group(&config.pools[0]));
	ck_assert_int_eq(config_check(&config, error), 0);
	read_good("[pool default]\ncgroup = no\n");
	ck_assert_int_eq(config_check(&config, error), -EINVAL);
	ck_assert_str_eq(error, "[pool default] cgroup = no: memory_max, pids_max and cpu_max are "
				"limits of a control group");
}
END_TEST

START_TEST(rights_cannot_be_gained_beside_what_needs_that)
{
	read_good("[pool default]\nwritable = none\nno_new_privs = no\n");
	ck_assert_int_eq(config_check(&config, error), -EINVAL);
	ck_assert_str_eq(error, "[pool default] no_new_privs = no: it cannot be had with "
				"deny_syscalls or writable");
}
END_TEST

START_TEST(workers_is_min_and_max_at_once)
{
	const struct pool_config *pool = &config.pools[0];

	read_good("[pool default]\nworkers = 3\n");
	ck_assert(pool->min == 3 && pool->max == 3);
	read_good("[pool default]\nmax = auto\n");
	ck_assert(pool->min == 3 && pool->max == 0);
	read_good("[pool default]\nworkers = auto\n");
	ck_assert(pool->min == 0 && pool->max == 0);
}
END_TEST

START_TEST(cores_may_be_none_or_what_is_usable)
{
	const struct pool_config *pool = &config.pools[0];

	read_good("[pool default]\ncores = none\n");
	ck_assert(!pool->pinned && pool->cores == NULL);
	read_good("[pool default]\ncores = 3\n");
	ck_assert(pool->pinned && pool->core_count == 1 && pool->cores[0] == 3);
	read_good("[pool default]\ncores = auto\n");
	ck_assert(pool->pinned && pool->cores == NULL && pool->core_count == 0);
}
END_TEST

START_TEST(user_and_init_can_be_taken_back)
{
	read_good("[pool default]\nuser = root\ninit = f\n");
	ck_assert_str_eq(config.pools[0].user, "root");
	read_good("[pool default]\nuser =\ninit =\n");
	ck_assert(config.pools[0].user == NULL && config.pools[0].init == NULL);
}
END_TEST

static void assert_variable(size_t i, const char *name, const char *value)
{
	ck_assert_uint_gt(config.pools[0].environment_count, i);
	ck_assert_str_eq(config.pools[0].environment[i].name, name);
	ck_assert_str_eq(config.pools[0].environment[i].value, value);
}

START_TEST(variable_of_the_same_name_is_replaced)
{
	read_good("[pool default]\nenvironment = A=1\nenvironment = _b2=x=y: \"z\" #\n"
		  "environment = A=\n");
	ck_assert_uint_eq(config.pools[0].environment_count, 2);
	assert_variable(0, "A", "");
	assert_variable(1, "_b2", "x=y: \"z\" #");
	read_good("[pool default]\nenvironment =\nenvironment = C=3\n");
	ck_assert_uint_eq(config.pools[0].environment_count, 1);
	assert_variable(0, "C", "3");
}
END_TEST

static const struct {
	const char *key;
	int resource;
} rlimits[] = {
	{"as", RLIMIT_AS},
	{"core", RLIMIT_CORE},
	{"cpu", RLIMIT_CPU},
	{"data", RLIMIT_DATA},
	{"fsize", RLIMIT_FSIZE},
	{"memlock", RLIMIT_MEMLOCK},
	{"msgqueue", RLIMIT_MSGQUEUE},
	{"nice", RLIMIT_NICE},
	{"nofile", RLIMIT_NOFILE},
	{"nproc", RLIMIT_NPROC},
	{"rtprio", RLIMIT_RTPRIO},
	{"rttime", RLIMIT_RTTIME},
	{"sigpending", RLIMIT_SIGPENDING},
	{"stack", RLIMIT_STACK},
};

START_TEST(every_limit_of_resources_is_read)
{
	const struct pool_config *pool = &config.pools[0];
	char text[128];

	snprintf(text, sizeof(text), "[pool default]\nrlimit_%s = 8M:unlimited\n", rlimits[_i].key);
	read_good(text);
	ck_assert_uint_eq(pool->rlimit_count, 1);
	ck_assert_str_eq(pool->rlimits[0].name, rlimits[_i].key);
	ck_assert_int_eq(pool->rlimits[0].resource, rlimits[_i].resource);
	ck_assert_uint_eq(pool->rlimits[0].limit.rlim_cur, SIZE_M * 8);
	ck_assert_uint_eq(pool->rlimits[0].limit.rlim_max, RLIM_INFINITY);
	snprintf(text, sizeof(text), "[pool default]\nrlimit_%s = 5\n", rlimits[_i].key);
	read_good(text);
	ck_assert_uint_eq(pool->rlimit_count, 1);
	ck_assert_uint_eq(pool->rlimits[0].limit.rlim_cur, 5);
	ck_assert_uint_eq(pool->rlimits[0].limit.rlim_max, 5);
}
END_TEST

START_TEST(functions_are_read_and_found_by_their_whole_name)
{
	read_good("[function square]\nmax_running = 2\n[function cube]\n[function primes.count]\n"
		  "max_running = 16\n");
	ck_assert_uint_eq(config.function_count, 3);
	ck_assert_uint_eq(config_function(&config, "square", 6)->max_running, 2);
	ck_assert_uint_eq(config_function(&config, "cube", 4)->max_running, 0);
	ck_assert_uint_eq(config_function(&config, "primes.count!", 12)->max_running, 16);
	ck_assert_ptr_null(config_function(&config, "cubes", 5));
	ck_assert_ptr_null(config_function(&config, "cub", 3));
	ck_assert_ptr_null(config_function(&config, "cube\0", 5));
	ck_assert_ptr_null(config_function(&config, "", 0));
}
END_TEST

/* ---- how it is written ------------------------------------------------------------------ */

START_TEST(blanks_comments_and_colons_are_allowed)
{
	read_good("  [ pool   default ]  ; a comment\n\tnice = 5\n   umask: 077   \n"
		  "spare=1 ; a comment\r\n; nice = 7\n# [limits]\nmax_tasks = 12");
	ck_assert_int_eq(config.pools[0].nice, 5);
	ck_assert_uint_eq(config.pools[0].umask, 077);
	ck_assert_uint_eq(config.pools[0].spare, 1);
	ck_assert_uint_eq(config.pools[0].max_tasks, 12);
	ck_assert_uint_eq(config.pool_count, 1);
}
END_TEST

START_TEST(pool_needs_no_key)
{
	read_good("[pool idle]");
	ck_assert_uint_eq(config.pool_count, 2);
	ck_assert_str_eq(config.pools[1].name, "idle");
	ck_assert_str_eq(config.pools[1].runtime, FORKSERVER_PATH);
}
END_TEST

START_TEST(section_may_be_opened_again)
{
	read_good("[pool a]\nmin = 1\n[pool b]\nmin = 2\n[pool a]\nmax = 3\n");
	ck_assert_uint_eq(config.pool_count, 3);
	ck_assert(config.pools[1].min == 1 && config.pools[1].max == 3);
	ck_assert(config.pools[2].min == 2 && config.pools[2].max == 0);
}
END_TEST

START_TEST(names_may_be_as_long_as_they_may_be)
{
	char text[512], pool[64], function[256];

	memset(pool, 'p', 63);
	memset(function, 'f', 255);
	pool[63] = function[255] = '\0';
	snprintf(text, sizeof(text), "[pool %s]\nmin = 2\n[function %s]\nmax_running = 3\n", pool,
		function);
#if HAVE_DECL_INI_MAX_LINE
	read_good(text);
	ck_assert_uint_eq(config_pool(&config, pool)->min, 2);
	ck_assert_uint_eq(config_function(&config, function, 255)->max_running, 3);
#endif
}
END_TEST

START_TEST(line_may_be_eight_kilobytes_long)
{
	char text[8400] = "[pool default]\nenvironment = LONG=";
	size_t head = strlen(text), line = strlen("environment = LONG="), len = 8190 - line;

	memset(text + head, 'x', len);
	strcpy(text + head + len, "\nnice = 1\n");
#if HAVE_DECL_INI_MAX_LINE
	read_good(text);
	ck_assert_uint_eq(strlen(config.pools[0].environment[0].value), len);
	ck_assert_int_eq(config.pools[0].nice, 1);
#endif
}
END_TEST

/* ---- plugins ---------------------------------------------------------------------------- */

static void assert_plugins(const char *const *names)
{
	const struct pool_config *pool = &config.pools[0];
	size_t count = 0;

	for (; names[count] != NULL; count++) {
		ck_assert_uint_gt(pool->plugin_count, count);
		ck_assert_str_eq(pool->plugins[count], path_of(names[count]));
	}
	ck_assert_uint_eq(pool->plugin_count, count);
}

START_TEST(plugins_are_files_and_patterns_in_their_order)
{
	char text[1024];

	write_file("b.so", "");
	write_file("a.so", "");
	write_file("z.so", "");
	write_file("a.txt", "");
	snprintf(text, sizeof(text), "[pool default]\nplugin = %s\nplugin = %s\nplugin = %s\n",
		path_of("z.so"), path_of("*.so"), path_of("none*.so"));
	read_good(text);
	assert_plugins((const char *const[]){"z.so", "a.so", "b.so", NULL});
	snprintf(text, sizeof(text), "[pool default]\nplugin =\nplugin = %s\n", path_of("b.so"));
	read_good(text);
	assert_plugins((const char *const[]){"b.so", NULL});
}
END_TEST

/* ---- drop-ins --------------------------------------------------------------------------- */

START_TEST(drop_ins_are_read_by_name_and_stand_over_what_was_before)
{
	make_folder("conf.d");
	write_file("conf.d/20-b.conf", "[limits]\nclients = 20\n[pool default]\nmax = 4\n");
	write_file("conf.d/10-a.conf", "[limits]\nclients = 10\ntasks = 10\nnested = 10\n");
	write_file("conf.d/30.conf~", "[limits]\nclients = 30\n");
	write_file("conf.d/.40.conf", "[limits]\nclients = 40\n");
	write_file("conf.d/.conf", "nonsense\n");
	write_file("conf.d/README", "nonsense\n");
	read_good("[limits]\ntasks = 5\nbytes = 1M\n[pool default]\nworkers = 2\n");
	ck_assert_uint_eq(config.limits.clients, 20);
	ck_assert_uint_eq(config.limits.tasks, 10);
	ck_assert_uint_eq(config.limits.nested, 10);
	ck_assert_uint_eq(config.limits.bytes, SIZE_M);
	ck_assert(config.pools[0].min == 2 && config.pools[0].max == 4);
	ck_assert_str_eq(config.texts[0].file, path_of("conf"));
}
END_TEST

START_TEST(drop_ins_are_read_without_their_file_too)
{
	make_folder("conf.d");
	write_file("conf.d/a.conf", "[limits]\nclients = 10\n");
	ck_assert_int_eq(config_read(&config, path_of("conf"), error), -ENOENT);
	ck_assert_uint_eq(config.limits.clients, 10);
	ck_assert_str_eq(config.texts[0].file, path_of("conf.d/a.conf"));
}
END_TEST

START_TEST(functions_of_several_files_are_found)
{
	make_folder("conf.d");
	write_file(
		"conf.d/a.conf", "[function b]\nmax_running = 7\n[function a]\nmax_running = 1\n");
	read_good("[function c]\nmax_running = 3\n[function b]\nmax_running = 2\n");
	ck_assert_uint_eq(config.function_count, 3);
	ck_assert_uint_eq(config_function(&config, "a", 1)->max_running, 1);
	ck_assert_uint_eq(config_function(&config, "b", 1)->max_running, 7);
	ck_assert_uint_eq(config_function(&config, "c", 1)->max_running, 3);
}
END_TEST

/* ---- what only shows at the end --------------------------------------------------------- */

static const struct {
	const char *text, *said;
} bad_rules[] = {
	{"[allow x]\nfunctions = *\n", "[allow x] names neither users nor groups"},
	{"[allow x]\nusers = *\npools = default vidoe\n", "[allow x] there is no pool 'vidoe'"},
	{"[allow x]\nusers = *\nfunctions = vidoe/cut\n", "there is no pool 'vidoe'"},
	{"[allow x]\nusers = *\nfunctions = defaul/cut\n", "there is no pool 'defaul'"},
};

START_TEST(a_rule_names_somebody_and_pools_that_there_are)
{
	read_good(bad_rules[_i].text);
	ck_assert_int_eq(config_check(&config, error), -EINVAL);
	ck_assert_msg(strstr(error, bad_rules[_i].said) != NULL, "%s", error);
}
END_TEST

START_TEST(a_rule_may_name_pools_that_come_later_and_patterns_of_none)
{
	read_good("[allow x]\nusers = *\npools = video w*\nfunctions = video/cut n?/*\n"
		  "[pool video]\n");
	ck_assert_int_eq(config_check(&config, error), 0);
}
END_TEST

START_TEST(there_may_be_64_rules)
{
	char text[64 * 32 + 32] = "";

	for (int i = 0; i < 64; i++)
		snprintf(text + strlen(text), 32, "[allow r%d]\nusers = *\n", i);
	read_good(text);
	ck_assert_uint_eq(config.policy.count, ACCESS_RULES_MAX);
	strcat(text, "[allow more]\n");
	ck_assert_int_eq(read_text(text), -ENOSPC);
	ck_assert_ptr_nonnull(strstr(error, "at most 64 sections [allow NAME]"));
}
END_TEST

START_TEST(what_others_can_change_is_not_read)
{
	const char *file = write_file("conf", "[limits]\nclients = 7\n");

	chmod(file, 0666);
	ck_assert_int_eq(config_read(&config, file, error), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error, "it is not read, because of"));
	ck_assert_ptr_nonnull(strstr(error, "chmod go-w"));
	chmod(file, 0644);
	chmod(make_folder("conf.d"), 0777);
	write_file("conf.d/a.conf", "[limits]\nclients = 8\n");
	config_fini(&config);
	ck_assert_int_eq(config_init(&config), 0);
	ck_assert_int_eq(config_read(&config, file, error), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error, "conf.d: others may change it"));
}
END_TEST

START_TEST(min_may_not_be_above_max)
{
	read_good("[pool a]\nmin = 3\nmax = 2\n");
	ck_assert_int_eq(config_check(&config, error), -EINVAL);
	ck_assert_str_eq(error, "[pool a] min = 3 is above max = 2");
	read_good("[pool a]\nmin = auto\n");
	ck_assert_int_eq(config_check(&config, error), 0);
}
END_TEST

START_TEST(core_that_is_not_there_is_a_warning)
{
	read_good("[pool a]\ncores = 0,4095\n");
	ck_assert_int_eq(config_check(&config, error), 0);
	ck_assert_ptr_nonnull(strstr(error, "[pool a] cores: there is no core 4095 here"));
}
END_TEST

START_TEST(only_root_gives_workers_another_user)
{
	char own[64];
	bool is_root = geteuid() == 0;

	snprintf(own, sizeof(own), "[pool a]\nuser = %u\n", (unsigned)geteuid());
	read_good(own);
	ck_assert_int_eq(config_check(&config, error), 0);
	read_good(is_root ? "[pool a]\nuser = nobody\n" : "[pool a]\nuser = root\n");
	ck_assert_int_eq(config_check(&config, error), is_root ? 0 : -EINVAL);
	if (!is_root)
		ck_assert_ptr_nonnull(strstr(error, "[pool a] user = root"));
}
END_TEST

static const struct {
	uint32_t min, max, cores, expected_min, expected_max;
} workers[] = {
	{0, 0, 4, 4, 4},
	{2, 0, 4, 2, 4},
	{0, 8, 4, 4, 8},
	{0, 2, 4, 2, 2},
	{8, 0, 4, 8, 8},
	{3, 3, 4, 3, 3},
	{0, 0, 0, 1, 1},
	{1, 1024, 1, 1, 1024},
};

START_TEST(what_is_left_open_of_workers_follows_the_cores)
{
	struct pool_config pool = {.min = workers[_i].min, .max = workers[_i].max};
	uint32_t min, max;

	config_pool_workers(&pool, workers[_i].cores, &min, &max);
	ck_assert_uint_eq(min, workers[_i].expected_min);
	ck_assert_uint_eq(max, workers[_i].expected_max);
}
END_TEST

/* ---- values ----------------------------------------------------------------------------- */

enum value_kind { NUMBER, SIZE, TIME };

static const struct {
	enum value_kind kind;
	const char *text;
	uint64_t expected; /* UINT64_MAX: refused */
} values[] = {
	{NUMBER, "0", 0},
	{NUMBER, "007", 7},
	{NUMBER, "18446744073709551614", UINT64_MAX - 1},
	{NUMBER, "18446744073709551616", UINT64_MAX},
	{NUMBER, "-1", UINT64_MAX},
	{NUMBER, "+1", UINT64_MAX},
	{NUMBER, " 1", UINT64_MAX},
	{NUMBER, "1 ", UINT64_MAX},
	{NUMBER, "1K", UINT64_MAX},
	{NUMBER, "0x10", UINT64_MAX},
	{NUMBER, "1.0", UINT64_MAX},
	{NUMBER, "", UINT64_MAX},
	{SIZE, "1", 1},
	{SIZE, "1K", SIZE_K},
	{SIZE, "2 M", SIZE_M * 2},
	{SIZE, "3\tG", SIZE_G * 3},
	{SIZE, "4T", SIZE_T * 4},
	{SIZE, "16777215T", SIZE_T * 16777215},
	{SIZE, "16777216T", UINT64_MAX},
	{SIZE, "1k", UINT64_MAX},
	{SIZE, "1KB", UINT64_MAX},
	{SIZE, "1.5M", UINT64_MAX},
	{SIZE, "K", UINT64_MAX},
	{SIZE, "-1K", UINT64_MAX},
	{SIZE, "", UINT64_MAX},
	{TIME, "0", 0},
	{TIME, "2", 2 * CLOCK_S},
	{TIME, "250ms", 250 * CLOCK_MS},
	{TIME, "1.5s", 1500 * CLOCK_MS},
	{TIME, "10 min", 600 * CLOCK_S},
	{TIME, "1h", 3600 * CLOCK_S},
	{TIME, "365d", 365 * TIME_DAY},
	{TIME, "0.001ms", 1000},
	{TIME, "10000000d", UINT64_MAX},
	{TIME, "1e3", UINT64_MAX},
	{TIME, "inf", UINT64_MAX},
	{TIME, "nan", UINT64_MAX},
	{TIME, "0x1p3", UINT64_MAX},
	{TIME, "1.", UINT64_MAX},
	{TIME, ".5", UINT64_MAX},
	{TIME, "1m", UINT64_MAX},
	{TIME, "1h30min", UINT64_MAX},
	{TIME, "-1", UINT64_MAX},
	{TIME, "", UINT64_MAX},
};

START_TEST(value_means_what_the_manual_says)
{
	static int (*const read[])(const char *, struct value_range, uint64_t *) = {
		[NUMBER] = value_number, [SIZE] = value_size, [TIME] = value_time};
	struct value_range all = {0, UINT64_MAX - 1};
	uint64_t value = 42, expected = values[_i].expected;
	int r = read[values[_i].kind](values[_i].text, all, &value);

	ck_assert_msg(r == (expected == UINT64_MAX ? -EINVAL : 0), "'%s': %d", values[_i].text, r);
	ck_assert_uint_eq(value, r == 0 ? expected : 42);
}
END_TEST

START_TEST(both_ends_of_a_range_belong_to_it)
{
	struct value_range range = {SIZE_K * 64, SIZE_G};
	uint64_t value;

	ck_assert_int_eq(value_size("64K", range, &value), 0);
	ck_assert_int_eq(value_size("1G", range, &value), 0);
	ck_assert_int_eq(value_size("65535", range, &value), -EINVAL);
	ck_assert_int_eq(value_size("1073741825", range, &value), -EINVAL);
}
END_TEST

static const struct {
	const char *text, *expected; /* NULL: refused */
} core_lists[] = {
	{"0", "0"},
	{"3,1", "3 1"},
	{"0-2", "0 1 2"},
	{"5-5 , 0-1", "5 0 1"},
	{"4095", "4095"},
	{"4096", NULL},
	{"2-1", NULL},
	{"1,1", NULL},
	{"0-3,2", NULL},
	{"", NULL},
	{",", NULL},
	{"1,", NULL},
	{"1 2", NULL},
	{"-1", NULL},
	{"1-", NULL},
	{"a", NULL},
	{"0-99999999999999999999", NULL},
};

START_TEST(list_of_cores_means_what_the_manual_says)
{
	char text[64] = "";
	size_t count = 0;
	int *cores = NULL;
	int r = value_cores(core_lists[_i].text, &cores, &count);

	ck_assert_int_eq(r, core_lists[_i].expected == NULL ? -EINVAL : 0);
	for (size_t i = 0; i < count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%d", i > 0 ? " " : "",
			cores[i]);
	if (r == 0)
		ck_assert_str_eq(text, core_lists[_i].expected);
	free(cores);
}
END_TEST

START_TEST(sizes_and_times_are_shown_in_their_largest_unit)
{
	char text[VALUE_TEXT_MAX];

	value_size_text(SIZE_M * 64, text);
	ck_assert_str_eq(text, "64M");
	value_size_text(SIZE_M + 1, text);
	ck_assert_str_eq(text, "1048577");
	value_size_text(0, text);
	ck_assert_str_eq(text, "0");
	value_time_text(TIME_DAY * 365, text);
	ck_assert_str_eq(text, "365d");
	value_time_text(90 * CLOCK_S, text);
	ck_assert_str_eq(text, "90s");
	value_time_text(0, text);
	ck_assert_str_eq(text, "0");
}
END_TEST

/* ---- documents -------------------------------------------------------------------------- */

static char *read_document(const char *name)
{
	const char *top = getenv("top_srcdir");
	char path[PATH_MAX];
	char *text = calloc(1, 1 << 16);
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", top != NULL ? top : ".", name);
	file = fopen(path, "r");
	ck_assert_msg(file != NULL && text != NULL, "%s cannot be read", path);
	ck_assert_uint_gt(fread(text, 1, (1 << 16) - 1, file), 0);
	fclose(file);
	return text;
}

/* "#key = value" states a default; what is no default stands behind a ; and prose behind "# ". */
static void uncomment(char *text, char mark)
{
	for (char *line = text; line != NULL; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (line[0] == mark && line[1] >= 'a' && line[1] <= 'z')
			line[0] = ' ';
	}
}

START_TEST(example_says_nothing_but_defaults)
{
	char *text = read_document("contrib/ruche.conf.example");

	read_good(text);
	assert_defaults();
	uncomment(text, '#');
	read_good(text);
	assert_defaults();
	free(text);
}
END_TEST

static bool has_line_of(const char *text, const char *before, const char *name, const char *after)
{
	char line[64];

	snprintf(line, sizeof(line), "%s%s%s", before, name, after);
	return strstr(text, line) != NULL;
}

START_TEST(every_key_is_in_the_manual_and_in_the_example)
{
	char *manual = read_document("src/supervisor/ruche.conf.5.scd");
	char *example = read_document("contrib/ruche.conf.example");
	const struct config_section *section = &config_sections[_i];

	for (size_t i = 0; i < section->key_count; i++) {
		const char *name = section->keys[i].name;

		ck_assert_msg(has_line_of(manual, "*", name, "*"), "manual: %s", name);
		ck_assert_msg(has_line_of(example, "\n#", name, " =") ||
				      has_line_of(example, "\n;", name, " ="),
			"example: %s", name);
	}
	free(manual);
	free(example);
}
END_TEST

/* ---- all of it -------------------------------------------------------------------------- */

#define COUNT(table) ((int)(sizeof(table) / sizeof(*(table))))

static TCase *add_case(Suite *suite, const char *name)
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, set_up, tear_down);
	suite_add_tcase(suite, tc);
	return tc;
}

static void add_keys(TCase *tc)
{
	tcase_add_test(tc, without_a_file_everything_has_its_default);
	tcase_add_loop_test(tc, file_that_says_nothing_changes_nothing, 0, COUNT(nothings));
	tcase_add_loop_test(tc, every_limit_is_read_into_its_own_field, 0, LIMITS);
	tcase_add_test(tc, every_limit_has_its_line_in_that_test);
	tcase_add_test(tc, daemon_section_is_read);
	tcase_add_test(tc, socket_may_be_for_a_group);
	tcase_add_test(tc, allow_section_is_read);
	tcase_add_test(tc, a_later_file_takes_back_what_is_allowed);
	tcase_add_test(tc, pool_section_is_read);
	tcase_add_test(tc, confinement_is_read);
	tcase_add_loop_test(tc, limits_of_a_group_bring_one, 0, 3);
	tcase_add_test(tc, rights_cannot_be_gained_beside_what_needs_that);
	tcase_add_test(tc, workers_is_min_and_max_at_once);
	tcase_add_test(tc, cores_may_be_none_or_what_is_usable);
	tcase_add_test(tc, user_and_init_can_be_taken_back);
	tcase_add_test(tc, variable_of_the_same_name_is_replaced);
	tcase_add_loop_test(tc, every_limit_of_resources_is_read, 0, COUNT(rlimits));
	tcase_add_test(tc, functions_are_read_and_found_by_their_whole_name);
	tcase_add_test(tc, plugins_are_files_and_patterns_in_their_order);
}

static void add_files(TCase *tc)
{
	tcase_add_test(tc, blanks_comments_and_colons_are_allowed);
	tcase_add_test(tc, pool_needs_no_key);
	tcase_add_test(tc, section_may_be_opened_again);
	tcase_add_test(tc, names_may_be_as_long_as_they_may_be);
	tcase_add_test(tc, line_may_be_eight_kilobytes_long);
	tcase_add_test(tc, drop_ins_are_read_by_name_and_stand_over_what_was_before);
	tcase_add_test(tc, drop_ins_are_read_without_their_file_too);
	tcase_add_test(tc, functions_of_several_files_are_found);
	tcase_add_test(tc, example_says_nothing_but_defaults);
	tcase_add_loop_test(tc, every_key_is_in_the_manual_and_in_the_example, 0, SECTIONS);
}

static void add_checks(TCase *tc)
{
	tcase_add_loop_test(
		tc, a_rule_names_somebody_and_pools_that_there_are, 0, COUNT(bad_rules));
	tcase_add_test(tc, a_rule_may_name_pools_that_come_later_and_patterns_of_none);
	tcase_add_test(tc, there_may_be_64_rules);
	tcase_add_test(tc, what_others_can_change_is_not_read);
	tcase_add_test(tc, min_may_not_be_above_max);
	tcase_add_test(tc, core_that_is_not_there_is_a_warning);
	tcase_add_test(tc, only_root_gives_workers_another_user);
	tcase_add_loop_test(tc, what_is_left_open_of_workers_follows_the_cores, 0, COUNT(workers));
	tcase_add_loop_test(tc, value_means_what_the_manual_says, 0, COUNT(values));
	tcase_add_test(tc, both_ends_of_a_range_belong_to_it);
	tcase_add_loop_test(tc, list_of_cores_means_what_the_manual_says, 0, COUNT(core_lists));
	tcase_add_test(tc, sizes_and_times_are_shown_in_their_largest_unit);
}

int main(void)
{
	Suite *suite = suite_create("config");

	add_keys(add_case(suite, "keys"));
	add_files(add_case(suite, "files"));
	add_checks(add_case(suite, "checks"));
	add_config_errors(suite);
	add_config_options(suite);
	return check_main(suite);
}
