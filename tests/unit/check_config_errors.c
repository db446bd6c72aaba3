/* SPDX-License-Identifier: MIT */
/* What is wrong in a file is told with its name and line. */
#include <config.h>

#include "check_config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "supervisor/config_lines.h"

#define POOL "[pool default]\n"
#define ALLOW "[allow some]\n"

static const struct {
	const char *text;
	int line;
	const char *said;
} wrongs[] = {
	/* what is written */
	{"nonsense\n", 1, "a line is [SECTION], KEY = VALUE, or a comment"},
	{"[daemon]\n\n  nonsense here\n", 3, "a line is [SECTION]"},
	{"clients = 5\n", 1, "a section must come first: [daemon], [limits]"},
	{"# text\n[limits\nclients = 1\n", 2, "a section is written as [NAME]"},
	{"[limits] clients = 1\n", 1, "nothing behind it but a comment"},
	{"[limits]\n= 5\n", 2, "there is no key '' in [limits]"},
	/* sections */
	{"[limit]\n", 1, "there is no section [limit]; there are [daemon], [limits], [pool NAME]"},
	{"[]\n", 1, "there is no section []"},
	{"[Pool x]\n", 1, "there is no section [Pool]"},
	{"[limits x]\n", 1, "this section takes no name"},
	{"[pool]\n", 1, "a pool's name is made of 1 to 63 letters"},
	{"[pool a/b]\n", 1, "a pool's name"},
	{"[pool a b]\n", 1, "a pool's name"},
	{"[pool \xc3\xa9]\n", 1, "a pool's name"},
	{"[pool 1234567890123456789012345678901234567890123456789012345678901234]\n", 1,
		"a pool's name"},
	{"[function]\n", 1, "a function's name has 1 to 255 bytes"},
	{"[function default/cube]\n", 1, "no pool before it"},
	{"[function a b]\n", 1, "no blank"},
	/* keys */
	{"[limits]\nclient = 5\n", 2,
		"there is no key 'client' in [limits]; there are: connection_tasks, "},
	{"[limits]\nclient = 5\n", 2, "clients"},
	{"[daemon]\nworkers = 5\n", 2, "there are: socket, stop_grace"},
	{POOL "worker = 5\n", 2, "rlimit_nofile"},
	{"[function f]\nmax = 5\n", 2, "there are: max_running"},
	{"[limits]\nclients = 5\nclients = 5\n", 3,
		"clients cannot stand beside clients in line 2"},
	{"[limits]\nclients = 5\n[daemon]\n[limits]\nclients = 6\n", 5, "in line 2"},
	{POOL "workers = 2\nmax = 3\n", 3, "max cannot stand beside workers in line 2"},
	{POOL "min = 2\nworkers = 3\n", 3, "workers cannot stand beside min in line 2"},
	{"[pool a]\nnice = 1\n[pool b]\nnice = 1\n[pool a]\nnice = 1\n", 6, "nice in line 2"},
	{POOL "rlimit_core = 0\nrlimit_core = 0\n", 3, "rlimit_core"},
	/* numbers */
	{"[limits]\nclients = many\n", 2,
		"clients takes a whole number from 1 to 1000000, not 'many'"},
	{"[limits]\nclients = 0\n", 2, "from 1 to 1000000, not '0'"},
	{"[limits]\nclients = 1000001\n", 2, "not '1000001'"},
	{"[limits]\nclients =\n", 2, "not ''"},
	{"[limits]\nclients = 5 # five\n", 2, "not '5 # five'"},
	{"[limits]\nclients = 99999999999999999999999\n", 2, "takes a whole number"},
	{"[limits]\nframe = 63K\n", 2,
		"frame takes a size from 64K to 2G, in bytes or with K, M, G"},
	{"[limits]\nframe = 3G\n", 2, "not '3G'"},
	{"[limits]\nframe = 64MB\n", 2, "not '64MB'"},
	{"[limits]\nkeep_time = 366d\n", 2, "keep_time takes a time from 0 to 365d, in seconds or"},
	{"[limits]\nkeep_time = 5 minutes\n", 2, "not '5 minutes'"},
	{"[limits]\nunread_timeout = -1\n", 2, "from 0 to 1d"},
	{"[function f]\nmax_running = -1\n", 2, "max_running takes a whole number from 0"},
	/* the daemon */
	{"[daemon]\nsocket = ruche.sock\n", 2, "socket takes a path that begins with /"},
	{"[daemon]\nsocket =\n", 2, "socket takes a path that begins with /, not ''"},
	{"[daemon]\nsocket = /1234567890/1234567890/1234567890/1234567890/1234567890/1234567890/"
	 "1234567890/1234567890/1234567890/12345678\n",
		2, "socket takes a path of at most 107 bytes, not of 108"},
	{"[daemon]\nstop_grace = soon\n", 2, "stop_grace takes a time from 0 to 1d"},
	/* pools */
	{POOL "runtime = python3\n", 2, "runtime takes a path that begins with /"},
	{POOL "runtime = /nowhere/at/all\n", 2,
		"runtime names /nowhere/at/all, which cannot be run"},
	{POOL "runtime = /etc/passwd\n", 2, "cannot be run: Permission denied"},
	{POOL "plugin = x.so\n", 2, "plugin takes a path that begins with /"},
	{POOL "plugin = /nowhere/x.so\n", 2,
		"plugin names /nowhere/x.so, which cannot be read: No"},
	{POOL "workers = 0\n", 2, "workers takes a whole number from 1 to 1024, or auto"},
	{POOL "min = 1025\n", 2, "min takes a whole number from 1 to 1024"},
	{POOL "max = all\n", 2, "max takes a whole number"},
	{POOL "spare = -1\n", 2, "spare takes a whole number from 0 to 1024"},
	{POOL "cores = 0-\n", 2, "cores takes auto, none, or the numbers of cores"},
	{POOL "cores = 1,1\n", 2, "each once"},
	{POOL "user = no such user\n", 2,
		"user takes a user's name or number; there is no user 'no"},
	{POOL "user = 4294967295\n", 2, "there is no user '4294967295'"},
	{POOL "nice = 20\n", 2, "nice takes a whole number from -20 to 19"},
	{POOL "nice = -21\n", 2, "nice takes"},
	{POOL "nice = --1\n", 2, "nice takes"},
	{POOL "umask = 1000\n", 2, "umask takes an octal number from 0 to 777"},
	{POOL "umask = 8\n", 2, "umask takes"},
	{POOL "environment = A\n", 2, "environment takes NAME=VALUE, not 'A'"},
	{POOL "environment = =x\n", 2, "environment takes NAME=VALUE"},
	{POOL "environment = A B=x\n", 2, "environment takes NAME=VALUE"},
	{POOL "environment = 1A=x\n", 2, "environment takes NAME=VALUE"},
	{POOL "environment = RUCHE_SOCKET=/x\n", 2, "which the daemon sets itself"},
	{POOL "environment = RUCHE_TASK=5\n", 2, "which the daemon sets itself"},
	{POOL "rlimit_nofile = 5:4\n", 2, "rlimit_nofile takes a number"},
	{POOL "rlimit_nofile = infinity\n", 2, "SOFT:HARD, not 'infinity'"},
	{POOL "rlimit_nofile = :5\n", 2, "rlimit_nofile takes"},
	{POOL "rlimit_nofile = 5:\n", 2, "rlimit_nofile takes"},
	{POOL "rlimit_nofile = unlimited:5\n", 2, "rlimit_nofile takes"},
	{POOL "max_tasks = -1\n", 2, "max_tasks takes a whole number from 0"},
	{POOL "max_memory = 17T\n", 2, "max_memory takes a size from 0 to 16T"},
	{POOL "grace = 2d\n", 2, "grace takes a time from 0 to 1d"},
	/* who may do what */
	{"[daemon]\nsocket_mode = 670\n", 2, "socket_mode takes an octal number from 600 to 666"},
	{"[daemon]\nsocket_mode = 060\n", 2, "not '060'"},
	{"[daemon]\nsocket_group = nobody here\n", 2, "there is no group 'nobody here'"},
	{"[allow]\n", 1, "such a section has a name of its own"},
	{"[allow a/b]\n", 1, "[allow NAME]"},
	{ALLOW "user = root\n", 2, "there is no key 'user' in [allow]; there are: users, groups, "},
	{ALLOW "users = root no-such-user\n", 2, "users takes names or numbers of users"},
	{ALLOW "users = root no-such-user\n", 2, "there is no user 'no-such-user'"},
	{ALLOW "users = 4294967295\n", 2, "there is no user '4294967295'"},
	{ALLOW "groups = no-such-group\n", 2, "there is no group 'no-such-group'"},
	{ALLOW "groups = *\n", 2, "there is no group '*'"},
	{ALLOW "functions = a [b\n", 2, "functions takes names of functions, or POOL/FUNCTION"},
	{ALLOW "functions = a\\\n", 2, "not 'a\\'"},
	{ALLOW "functions = /cube\n", 2, "not '/cube'"},
	{ALLOW "functions = default/\n", 2, "not 'default/'"},
	{ALLOW "functions = a/b/c\n", 2, "not 'a/b/c'"},
	{ALLOW "commands = bin/ls\n", 2, "names without /, or whole paths, with *"},
	{ALLOW "commands = [!\n", 2, "not '[!'"},
	{ALLOW "pools = a/b\n", 2, "pools takes names of pools"},
	{ALLOW "methods = everything\n", 2, "methods takes reload, upgrade, pause"},
	{ALLOW "user_tasks = 0\n", 2, "user_tasks takes a whole number from 1"},
	{ALLOW "user_bytes = 1K\n", 2, "user_bytes takes a size from 64K"},
	{ALLOW "user_running = -1\n", 2, "user_running takes a whole number from 0"},
	{ALLOW "user_tasks = 5\nuser_tasks = 5\n", 3, "cannot stand beside user_tasks in line 2"},
	/* confinement */
	{POOL "no_new_privs = 1\n", 2, "no_new_privs takes yes or no, not '1'"},
#ifdef HAVE_SECCOMP
	{POOL "deny_syscalls = @default bees\n", 2, "there is no system call 'bees'"},
	{POOL "deny_syscalls = @nothing\n", 2, "there is no system call '@nothing'"},
	{POOL "deny_syscalls = mount,bpf\n", 2, "with blanks between them"},
#else
	{POOL "deny_syscalls = mount\n", 2, "this ruche was built without libseccomp"},
#endif
	{POOL "writable = tmp\n", 2, "writable takes a path that begins with /, or none"},
	{POOL "writable = /nowhere/at/all\n", 2,
		"writable names /nowhere/at/all, which cannot be found: No such file"},
	{POOL "cgroup = maybe\n", 2, "cgroup takes yes or no, not 'maybe'"},
	{POOL "memory_max = 17T\n", 2, "memory_max takes a size from 0 to 16T"},
	{POOL "pids_max = many\n", 2, "pids_max takes a whole number from 0 to 4194304"},
	{POOL "cpu_max = 1.5\n", 2, "cpu_max takes a share of one core from 1% to 102400%"},
	{POOL "cpu_max = 0%\n", 2, "cpu_max takes a share"},
	{POOL "cpu_max = %\n", 2, "cpu_max takes a share"},
	{POOL "cpu_max =\n", 2, "cpu_max takes a share"},
	{POOL "cpu_max = 102401%\n", 2, "not '102401%'"},
	/* the first one is told */
	{"[limits]\nnonsense\nclients = x\n", 2, "a line is"},
	{"[limits]\nclients = x\nnonsense\n", 2, "not 'x'"},
	{"[limits]\nnonsense\n[nowhere]\n", 2, "a line is"},
	{"[nowhere]\nnonsense\n", 1, "there is no section"},
};

enum { WRONGS = sizeof(wrongs) / sizeof(*wrongs) };

static void assert_said(const char *file, int line, const char *said)
{
	char head[256];

	snprintf(head, sizeof(head), "%s:%d: ", path_of(file), line);
	ck_assert_msg(strncmp(error, head, strlen(head)) == 0, "not at %s but: %s", head, error);
	ck_assert_msg(strstr(error, said) != NULL, "not '%s' but: %s", said, error);
}

START_TEST(error_names_file_and_line_and_what_is_allowed)
{
	ck_assert_int_eq(read_text(wrongs[_i].text), -EINVAL);
	assert_said("conf", wrongs[_i].line, wrongs[_i].said);
}
END_TEST

START_TEST(error_in_a_drop_in_names_it)
{
	make_folder("conf.d");
	write_file("conf.d/a.conf", "[limits]\nclients = 5\n");
	write_file("conf.d/b.conf", "[limits]\n\nclients = x\n");
	write_file("conf.d/c.conf", "nonsense\n");
	ck_assert_int_eq(read_text("[limits]\nclients = 1\n"), -EINVAL);
	assert_said("conf.d/b.conf", 3, "not 'x'");
}
END_TEST

START_TEST(long_line_is_an_error_and_not_cut)
{
	size_t size = 64 << 10;
	char *text = malloc(size + 64);

	ck_assert_ptr_nonnull(text);
	strcpy(text, POOL "# fine\nenvironment = A=");
	memset(text + strlen(text), 'x', size - strlen(text));
	strcpy(text + size, "\n[limits]\nclients = 7\n");
	ck_assert_int_eq(read_text(text), -EINVAL);
	assert_said("conf", 3, "a line may have at most ");
	ck_assert_uint_eq(config.limits.clients, 1024);
	free(text);
}
END_TEST

START_TEST(line_of_one_byte_too_many_is_an_error)
{
	char text[8300] = POOL "environment = A=";

	memset(text + strlen(text), 'x', strlen(POOL) + 8191 - strlen(text));
	ck_assert_int_eq(read_text(text), -EINVAL);
	assert_said("conf", 2, ", not 8191");
}
END_TEST

START_TEST(byte_zero_is_an_error)
{
	static const char text[] = "[limits]\nclients = 5\n# \0\nclients = 6\n";

	ck_assert_int_eq(
		config_read(&config, write_bytes("conf", text, sizeof(text) - 1), error), -EINVAL);
	assert_said("conf", 3, "a byte 0: this is no text");
}
END_TEST

START_TEST(init_has_a_functions_name)
{
	char text[512] = POOL "init = ";
	size_t head = strlen(text);

	memset(text + head, 'f', 256);
	ck_assert_int_eq(read_text(text), -EINVAL);
	text[head + 255] = '\0';
	ck_assert_ptr_nonnull(strstr(error, "at most"));
}
END_TEST

/* ---- files ------------------------------------------------------------------------------ */

static void assert_refused(int status, const char *file, const char *why)
{
	char expected[256];

	snprintf(expected, sizeof(expected), "%s: %s", path_of(file), why);
	ck_assert_int_eq(config_read(&config, path_of("conf"), error), status);
	ck_assert_str_eq(error, expected);
}

START_TEST(missing_file_is_told_apart)
{
	assert_refused(-ENOENT, "conf", "No such file or directory");
}
END_TEST

START_TEST(folder_is_not_a_file)
{
	make_folder("conf");
	assert_refused(-EINVAL, "conf", "is not a regular file");
}
END_TEST

START_TEST(pipe_is_not_waited_for)
{
	ck_assert_int_eq(mkfifo(path_of("conf"), 0600), 0);
	assert_refused(-EINVAL, "conf", "is not a regular file");
}
END_TEST

START_TEST(file_that_is_too_large_is_refused)
{
	char *text = malloc(CONFIG_FILE_MAX + 1);

	ck_assert_ptr_nonnull(text);
	memset(text, '\n', CONFIG_FILE_MAX + 1);
	write_bytes("conf", text, CONFIG_FILE_MAX);
	ck_assert_int_eq(config_read(&config, path_of("conf"), error), 0);
	write_bytes("conf", text, CONFIG_FILE_MAX + 1);
	assert_refused(-EFBIG, "conf", "is larger than 1 MiB");
	free(text);
}
END_TEST

START_TEST(drop_in_must_be_a_file)
{
	write_file("conf", "");
	make_folder("conf.d");
	make_folder("conf.d/x.conf");
	assert_refused(-EINVAL, "conf.d/x.conf", "is not a regular file");
}
END_TEST

START_TEST(drop_in_that_leads_nowhere_is_refused)
{
	write_file("conf", "");
	make_folder("conf.d");
	ck_assert_int_eq(symlink("/nowhere", path_of("conf.d/x.conf")), 0);
	assert_refused(-EINVAL, "conf.d/x.conf", "No such file or directory");
}
END_TEST

START_TEST(drop_ins_stand_in_a_folder)
{
	write_file("conf", "");
	write_file("conf.d", "");
	assert_refused(-ENOTDIR, "conf.d", "Not a directory");
}
END_TEST

/* ---- bounds ----------------------------------------------------------------------------- */

/* `count` sections of a kind, each named by its number. */
static char *repeat(const char *kind, int count)
{
	size_t size = (size_t)count * 32 + 1, len = 0;
	char *text = malloc(size);

	ck_assert_ptr_nonnull(text);
	for (int i = 0; i < count; i++)
		len += (size_t)snprintf(text + len, size - len, "[%s n%d]\n", kind, i);
	return text;
}

START_TEST(pools_are_bounded)
{
	char *text = repeat("pool", CONFIG_POOLS_MAX);

	ck_assert_int_eq(read_text(text), -ENOSPC);
	assert_said("conf", CONFIG_POOLS_MAX, "there may be at most 64 pools");
	free(text);
}
END_TEST

START_TEST(functions_are_bounded)
{
	char *text = repeat("function", CONFIG_FUNCTIONS_MAX + 1);

	ck_assert_int_eq(read_text(text), -ENOSPC);
	assert_said("conf", CONFIG_FUNCTIONS_MAX + 1, "there may be at most 4096 functions");
	free(text);
}
END_TEST

START_TEST(variables_are_bounded)
{
	char *text = malloc(1 << 16);
	size_t len = (size_t)sprintf(text, POOL);

	for (int i = 0; i < 1025; i++)
		len += (size_t)sprintf(text + len, "environment = V%d=%d\n", i, i);
	ck_assert_int_eq(read_text(text), -EINVAL);
	assert_said("conf", 1026, "environment takes at most 1024 variables");
	free(text);
}
END_TEST

/* ---- garbage ---------------------------------------------------------------------------- */

static const char seed_text[] =
	"[daemon]\nsocket = /run/x\n[limits]\nframe = 64K ; c\nkeep_time = 1.5h\n"
	"[pool a]\nworkers = 3\ncores = 0-3,7\nenvironment = A=B\nrlimit_nofile = 1K:unlimited\n"
	"[function f.g]\nmax_running = 2\n# end\n";

/* Always the same: a failure can be found again. */
static uint32_t random_below(uint32_t *state, uint32_t limit)
{
	*state = *state * 1664525 + 1013904223;
	return (uint32_t)(((uint64_t)*state * limit) >> 32);
}

static void mutate(char *text, size_t *len, uint32_t *state)
{
	static const char marks[] = "[]=:;#\n\r\t \\\"'-0K\xef\xbb\xbf";
	size_t at = random_below(state, (uint32_t)*len);

	switch (random_below(state, 4)) {
	case 0:
		text[at] = (char)random_below(state, 256);
		break;
	case 1:
		text[at] = marks[random_below(state, sizeof(marks))];
		break;
	case 2:
		memmove(text + at, text + at + 1, *len - at);
		--*len;
		break;
	default:
		memmove(text + at + 1, text + at, *len - at);
		text[at] = marks[random_below(state, sizeof(marks))];
		++*len;
		break;
	}
	text[*len] = '\0';
}

static void assert_sound(int r)
{
	if (r < 0)
		ck_assert_msg(strncmp(error, "garbage:", 8) == 0, "%d: %s", r, error);
	ck_assert_uint_ge(config.pool_count, 1);
	ck_assert_str_eq(config.pools[0].name, "default");
	ck_assert(config.limits.frame >= 65536 && config.limits.frame <= 1 << 30);
	ck_assert(config.limits.clients >= 1 && config.limits.clients <= 1000000);
	config_check(&config, error);
}

START_TEST(garbage_is_refused_and_never_harms)
{
	uint32_t state = (uint32_t)_i + 1;
	char text[sizeof(seed_text) + 64];

	for (int round = 0; round < 2000; round++) {
		size_t len = sizeof(seed_text) - 1;
		uint32_t changes = 1 + random_below(&state, 40);

		memcpy(text, seed_text, sizeof(seed_text));
		while (changes-- > 0)
			mutate(text, &len, &state);
		assert_sound(config_read_text(&config, "garbage", text, len, error));
		config_fini(&config);
		ck_assert_int_eq(config_init(&config), 0);
	}
}
END_TEST

START_TEST(what_garbage_is_made_from_is_good)
{
	read_good(seed_text);
}
END_TEST

void add_config_errors(Suite *suite)
{
	TCase *tc = tcase_create("errors");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, error_names_file_and_line_and_what_is_allowed, 0, WRONGS);
	tcase_add_test(tc, error_in_a_drop_in_names_it);
	tcase_add_test(tc, long_line_is_an_error_and_not_cut);
	tcase_add_test(tc, line_of_one_byte_too_many_is_an_error);
	tcase_add_test(tc, byte_zero_is_an_error);
	tcase_add_test(tc, init_has_a_functions_name);
	tcase_add_test(tc, missing_file_is_told_apart);
	tcase_add_test(tc, folder_is_not_a_file);
	tcase_add_test(tc, pipe_is_not_waited_for);
	tcase_add_test(tc, file_that_is_too_large_is_refused);
	tcase_add_test(tc, drop_in_must_be_a_file);
	tcase_add_test(tc, drop_in_that_leads_nowhere_is_refused);
	tcase_add_test(tc, drop_ins_stand_in_a_folder);
	tcase_add_test(tc, pools_are_bounded);
	tcase_add_test(tc, functions_are_bounded);
	tcase_add_test(tc, variables_are_bounded);
	tcase_add_test(tc, what_garbage_is_made_from_is_good);
	tcase_add_loop_test(tc, garbage_is_refused_and_never_harms, 0, 8);
	suite_add_tcase(suite, tc);
}
