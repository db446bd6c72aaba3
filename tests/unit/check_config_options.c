/* SPDX-License-Identifier: MIT */
/* The command line and the environment stand over the file. */
#include "check_config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/options.h"

static struct options options;

static void set_up_options(void)
{
	set_up();
	unsetenv("RUCHE_CONFIG");
	unsetenv("RUCHE_FORKSERVER");
	setenv("RUCHE_PLUGIN_DIR", make_folder("installed"), 1);
	options = (struct options){.session_fd = -1};
}

static void tear_down_options(void)
{
	options_fini(&options);
	tear_down();
}

/* The words of a command line, up to a NULL. */
static int parse(const char *const *words)
{
	char *argv[16] = {(char *)"ruched"};
	int argc = 1;

	for (; words[argc - 1] != NULL; argc++)
		argv[argc] = (char *)words[argc - 1];
	options_fini(&options);
	return options_parse(&options, argc, argv);
}

#define PARSE(...) parse((const char *const[]){__VA_ARGS__, NULL})

START_TEST(without_a_file_there_are_defaults)
{
	ck_assert_int_eq(PARSE("--config", ""), OPTIONS_RUN);
	ck_assert_uint_eq(options.config.text_count, 0);
	ck_assert_ptr_null(options.config.socket);
	ck_assert_uint_eq(options.config.pools[0].max, 0);
	ck_assert_uint_eq(options.config.pools[0].plugin_count, 0);
	ck_assert_str_eq(options.config.pools[0].runtime, FORKSERVER_PATH);
	ck_assert_int_eq(options.session_fd, -1);
	ck_assert(!options.check_only && !options.verbose);
}
END_TEST

START_TEST(file_is_what_the_command_line_names)
{
	const char *file =
		write_file("conf", "[daemon]\nsocket = /a\n[pool default]\nworkers = 3\n");

	setenv("RUCHE_CONFIG", path_of("missing"), 1);
	ck_assert_int_eq(PARSE("--config", file), OPTIONS_RUN);
	ck_assert_str_eq(options.config.texts[0].file, file);
	ck_assert_str_eq(options.config.socket, "/a");
	ck_assert_uint_eq(options.config.pools[0].max, 3);
}
END_TEST

START_TEST(file_is_else_what_the_environment_names)
{
	setenv("RUCHE_CONFIG", write_file("conf", "[daemon]\nsocket = /a\n"), 1);
	ck_assert_int_eq(PARSE("--verbose"), OPTIONS_RUN);
	ck_assert_str_eq(options.config.socket, "/a");
	ck_assert(options.verbose);
	setenv("RUCHE_CONFIG", "", 1);
	ck_assert_int_eq(PARSE("--check-config"), OPTIONS_RUN);
	ck_assert_ptr_null(options.config.socket);
	ck_assert(options.check_only);
}
END_TEST

START_TEST(file_that_was_named_must_be_there)
{
	ck_assert_int_eq(PARSE("--config", path_of("missing")), -ENOENT);
	setenv("RUCHE_CONFIG", path_of("missing"), 1);
	ck_assert_int_eq(PARSE("-v"), -ENOENT);
}
END_TEST

START_TEST(private_daemon_reads_what_it_is_given_alone)
{
	setenv("RUCHE_CONFIG", write_file("conf", "[pool default]\nworkers = 3\n"), 1);
	ck_assert_int_eq(PARSE("--session-fd", "3"), OPTIONS_RUN);
	ck_assert_uint_eq(options.config.pools[0].max, 0);
	ck_assert_int_eq(options.session_fd, 3);
	ck_assert_int_eq(PARSE("--session-fd", "3", "--config", path_of("conf")), OPTIONS_RUN);
	ck_assert_uint_eq(options.config.pools[0].max, 3);
}
END_TEST

START_TEST(command_line_stands_over_the_file)
{
	const char *file = write_file("conf",
		"[daemon]\nsocket = /a\n[pool default]\nmin = 2\nmax = 3\n[pool b]\nmax = 1\n");

	ck_assert_int_eq(PARSE("-c", file, "--socket", "/b", "--workers", "5"), OPTIONS_RUN);
	ck_assert_str_eq(options.config.socket, "/b");
	ck_assert_uint_eq(options.config.pools[0].max, 5);
	ck_assert(options.config.pools[0].min == 5 && options.config.pools[0].max == 5);
	ck_assert(options.config.pools[1].min == 0 && options.config.pools[1].max == 1);
}
END_TEST

static void assert_plugins(const char *const *names)
{
	size_t count = 0;

	for (; names[count] != NULL; count++) {
		ck_assert_uint_gt(options.config.pools[0].plugin_count, count);
		ck_assert_str_eq(options.config.pools[0].plugins[count], path_of(names[count]));
	}
	ck_assert_uint_eq(options.config.pools[0].plugin_count, count);
}

#define ASSERT_PLUGINS(...) assert_plugins((const char *const[]){__VA_ARGS__, NULL})

START_TEST(plugins_are_the_installed_ones_then_the_files_then_those_given)
{
	char text[1024];
	const char *file, *given;

	write_file("installed/b.so", "");
	write_file("installed/a.so", "");
	write_file("x.so", "");
	snprintf(text, sizeof(text), "[pool default]\nplugin = %s\n", path_of("x.so"));
	file = write_file("conf", text);
	given = path_of("not-looked-at.so");
	ck_assert_int_eq(PARSE("-c", file, "--plugin", given), OPTIONS_RUN);
	ASSERT_PLUGINS("installed/a.so", "installed/b.so", "x.so", "not-looked-at.so");
	ck_assert_int_eq(PARSE("-c", file, "-p", given, "--no-default-plugins"), OPTIONS_RUN);
	ASSERT_PLUGINS("x.so", "not-looked-at.so");
	write_file("conf", "[pool default]\nplugin =\n");
	ck_assert_int_eq(PARSE("-c", file, "-p", given), OPTIONS_RUN);
	ASSERT_PLUGINS("not-looked-at.so");
}
END_TEST

START_TEST(installed_plugins_must_be_readable)
{
	setenv("RUCHE_PLUGIN_DIR", path_of("missing"), 1);
	ck_assert_int_eq(PARSE("--config", ""), -EINVAL);
	ck_assert_int_eq(PARSE("--config", "", "--no-default-plugins"), OPTIONS_RUN);
}
END_TEST

START_TEST(fork_server_of_the_environment_is_in_the_place_of_the_installed_one)
{
	const char *file = write_file("conf", "[pool a]\n[pool b]\nruntime = /bin/true\n");

	setenv("RUCHE_FORKSERVER", "/mine", 1);
	ck_assert_int_eq(PARSE("-c", file), OPTIONS_RUN);
	ck_assert_str_eq(options.config.pools[0].runtime, "/mine");
	ck_assert_str_eq(config_pool(&options.config, "a")->runtime, "/mine");
	ck_assert_str_eq(config_pool(&options.config, "b")->runtime, "/bin/true");
}
END_TEST

START_TEST(configuration_is_read_again_with_the_command_line_over_it)
{
	const char *file =
		write_file("conf", "[limits]\nclients = 5\n[pool default]\nworkers = 3\n");
	struct config again;

	ck_assert_int_eq(PARSE("-c", file, "--workers", "7"), OPTIONS_RUN);
	write_file("conf", "[limits]\nclients = 6\n[pool default]\nworkers = 4\n[pool new]\n");
	ck_assert_int_eq(options_load(&options, &again, error), 0);
	ck_assert_str_eq(error, "");
	ck_assert_uint_eq(again.limits.clients, 6);
	ck_assert_uint_eq(again.pools[0].max, 7);
	ck_assert_uint_eq(again.pool_count, 2);
	config_fini(&again);
	ck_assert_uint_eq(options.config.limits.clients, 5);
	ck_assert_uint_eq(options.config.pool_count, 1);
}
END_TEST

START_TEST(bad_configuration_is_not_taken)
{
	const char *file = write_file("conf", "");
	struct config again = {.stop_grace = 42};

	ck_assert_int_eq(PARSE("-c", file), OPTIONS_RUN);
	write_file("conf", "[pool default]\nmin = 3\nmax = 2\n");
	ck_assert_int_eq(options_load(&options, &again, error), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error, "min = 3 is above max = 2"));
	write_file("conf", "[pool default]\nmin = x\n");
	ck_assert_int_eq(options_load(&options, &again, error), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error, "conf:2: "));
	ck_assert_uint_eq(again.stop_grace, 42);
}
END_TEST

START_TEST(what_is_no_option_is_a_usage_error)
{
	ck_assert_int_eq(PARSE("--nonsense"), OPTIONS_USAGE);
	ck_assert_int_eq(PARSE("word"), OPTIONS_USAGE);
	ck_assert_int_eq(PARSE("--workers", "0"), OPTIONS_USAGE);
	ck_assert_int_eq(PARSE("--workers", "1025"), OPTIONS_USAGE);
	ck_assert_int_eq(PARSE("--session-fd", "2"), OPTIONS_USAGE);
	ck_assert_int_eq(PARSE("--config"), OPTIONS_USAGE);
}
END_TEST

void add_config_options(Suite *suite)
{
	TCase *tc = tcase_create("options");

	tcase_add_checked_fixture(tc, set_up_options, tear_down_options);
	tcase_add_test(tc, without_a_file_there_are_defaults);
	tcase_add_test(tc, file_is_what_the_command_line_names);
	tcase_add_test(tc, file_is_else_what_the_environment_names);
	tcase_add_test(tc, file_that_was_named_must_be_there);
	tcase_add_test(tc, private_daemon_reads_what_it_is_given_alone);
	tcase_add_test(tc, command_line_stands_over_the_file);
	tcase_add_test(tc, plugins_are_the_installed_ones_then_the_files_then_those_given);
	tcase_add_test(tc, installed_plugins_must_be_readable);
	tcase_add_test(tc, fork_server_of_the_environment_is_in_the_place_of_the_installed_one);
	tcase_add_test(tc, configuration_is_read_again_with_the_command_line_over_it);
	tcase_add_test(tc, bad_configuration_is_not_taken);
	tcase_add_test(tc, what_is_no_option_is_a_usage_error);
	suite_add_tcase(suite, tc);
}
