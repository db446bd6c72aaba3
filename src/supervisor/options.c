/* SPDX-License-Identifier: MIT */
#include <config.h>

#include "supervisor/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"

#define CONFIG_FILE SYSCONFDIR "/ruche/ruche.conf"

enum {
	OPT_NO_DEFAULT_PLUGINS = 256,
	OPT_SESSION_FD,
	OPT_CHECK_CONFIG,
	OPT_RESUME,
	OPT_TRY_RESUME,
};

static const char help_text[] =
	"Usage: ruched [OPTION]…\n"
	"Keeps a pool of worker processes, one for each core, and runs what its clients call.\n"
	"\n"
	"  -c, --config FILE         the configuration, see ruche.conf(5); by default\n"
	"                            " CONFIG_FILE ", if it is there\n"
	"  -s, --socket PATH         where clients connect; by default "
	"$XDG_RUNTIME_DIR/ruche/ruche.sock,\n"
	"                            or /run/ruche/ruche.sock where that is not set\n"
	"  -w, --workers N           how many workers; by default one for each usable core\n"
	"  -p, --plugin FILE         load the functions of this plugin too; may be given again\n"
	"      --no-default-plugins  load none but those given by --plugin or the configuration\n"
	"      --check-config        load everything, say whether it is good, and end\n"
	"      --session-fd N        serve the connected socket N alone and end with it\n"
	"  -v, --verbose             say more on stderr\n"
	"  -h, --help                this text\n"
	"  -V, --version             the version\n"
	"\n"
	"It stays in the foreground.  SIGTERM: answer what runs, then end.\n"
	"SIGHUP: reload.  SIGUSR2: upgrade.\n"
	"Try it:  ruched --socket /tmp/r.sock &  ruche --socket /tmp/r.sock call cube 3\n"
	"See ruched(8), ruche.conf(5), ruche(1), ruche-plugin(3).\n";

static const struct option long_options[] = {
	{"config", required_argument, NULL, 'c'},
	{"socket", required_argument, NULL, 's'},
	{"workers", required_argument, NULL, 'w'},
	{"plugin", required_argument, NULL, 'p'},
	{"no-default-plugins", no_argument, NULL, OPT_NO_DEFAULT_PLUGINS},
	{"check-config", no_argument, NULL, OPT_CHECK_CONFIG},
	{"session-fd", required_argument, NULL, OPT_SESSION_FD},
	{"resume", required_argument, NULL, OPT_RESUME},
	{"try-resume", required_argument, NULL, OPT_TRY_RESUME},
	{"verbose", no_argument, NULL, 'v'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

static int add_plugin(struct overrides *given, const char *file)
{
	char **plugins = reallocarray(given->plugins, given->plugin_count + 1, sizeof(*plugins));

	if (plugins == NULL)
		return -ENOMEM;
	given->plugins = plugins;
	plugins[given->plugin_count] = strdup(file);
	if (plugins[given->plugin_count] == NULL)
		return -ENOMEM;
	given->plugin_count++;
	return OPTIONS_RUN;
}

static int parse_number(const char *name, const char *text, long min, long max, long *ret)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (errno != 0 || *end != '\0' || end == text || value < min || value > max) {
		log_error("--%s takes a whole number from %ld to %ld, not '%s'", name, min, max,
			text);
		return -EINVAL;
	}
	*ret = value;
	return 0;
}

static int set_text(char **text, const char *value)
{
	free(*text);
	*text = strdup(value);
	return *text == NULL ? -ENOMEM : OPTIONS_RUN;
}

static int set_fd(int *ret, const char *name, const char *text)
{
	long value;

	if (parse_number(name, text, 3, 1 << 20, &value) < 0)
		return OPTIONS_USAGE;
	*ret = (int)value;
	return OPTIONS_RUN;
}

static int set_workers(struct options *options, const char *text)
{
	long value;

	if (parse_number("workers", text, 1, CONFIG_WORKERS_MAX, &value) < 0)
		return OPTIONS_USAGE;
	options->given.workers = (uint32_t)value;
	return OPTIONS_RUN;
}

static int apply(struct options *options, int option, const char *value)
{
	switch (option) {
	case 'c':
		return set_text(&options->config_file, value);
	case 's':
		return set_text(&options->given.socket, value);
	case 'w':
		return set_workers(options, value);
	case OPT_SESSION_FD:
		return set_fd(&options->session_fd, "session-fd", value);
	case OPT_RESUME:
		return set_fd(&options->resume_fd, "resume", value);
	case OPT_TRY_RESUME:
		options->try_only = true;
		return set_fd(&options->resume_fd, "try-resume", value);
	case 'p':
		return add_plugin(&options->given, value);
	case OPT_NO_DEFAULT_PLUGINS:
		options->default_plugins = false;
		return OPTIONS_RUN;
	case OPT_CHECK_CONFIG:
		options->check_only = true;
		return OPTIONS_RUN;
	case 'v':
		options->verbose = true;
		return OPTIONS_RUN;
	case 'h':
		fputs(help_text, stdout);
		return OPTIONS_DONE;
	case 'V':
		puts("ruched " PACKAGE_VERSION);
		return OPTIONS_DONE;
	default:
		log_error("see ruched --help");
		return OPTIONS_USAGE;
	}
}

static int parse_arguments(struct options *options, int argc, char **argv)
{
	int option, r = OPTIONS_RUN;

	optind = 0;
	while (r == OPTIONS_RUN) {
		option = getopt_long(argc, argv, "c:s:w:p:vhV", long_options, NULL);
		if (option == -1)
			break;
		r = apply(options, option, optarg);
	}
	if (r == OPTIONS_RUN && optind < argc) {
		log_error("'%s' is not understood; see ruched --help", argv[optind]);
		return OPTIONS_USAGE;
	}
	return r;
}

/*
 * The command line names the file, else the environment, else it is the system's.  A private
 * daemon is its client's: it has only what it is given.
 */
static int choose_file(struct options *options)
{
	const char *named = getenv("RUCHE_CONFIG");

	options->config_file_must_exist = true;
	if (options->config_file != NULL || options->session_fd >= 0)
		return OPTIONS_RUN;
	if (named != NULL)
		return set_text(&options->config_file, named);
	options->config_file_must_exist = false;
	return set_text(&options->config_file, CONFIG_FILE);
}

/* ---- the configuration ------------------------------------------------------------------ */

static int read_file(const struct options *options, struct config *config, char *error)
{
	int r;

	if (options->instead != NULL)
		return config_read_texts(
			config, options->instead->texts, options->instead->text_count, error);
	if (options->config_file == NULL || *options->config_file == '\0')
		return 0;
	r = config_read(config, options->config_file, error);
	return r == -ENOENT && !options->config_file_must_exist ? 0 : r;
}

/* Every plugin of the default directory, sorted by name. */
static int add_default_plugins(struct pool_config *pool, char *error)
{
	const char *dir = getenv("RUCHE_PLUGIN_DIR");
	char pattern[4096];
	int r;

	text_format(pattern, sizeof(pattern), "%s/*.so", dir != NULL ? dir : PLUGIN_DIR);
	if (dir != NULL && access(dir, R_OK | X_OK) < 0) {
		text_format(error, CONFIG_ERROR_MAX, "cannot read RUCHE_PLUGIN_DIR=%.300s: %s", dir,
			strerror(errno));
		return -EINVAL;
	}
	r = config_pool_add_plugins(pool, pattern);
	if (r < 0)
		text_format(error, CONFIG_ERROR_MAX, "cannot look for %.300s: %s", pattern,
			strerror(-r));
	return r;
}

/* In the place of the installed one, wherever that is used. */
static int replace_forkserver(struct config *config)
{
	const char *forkserver = getenv("RUCHE_FORKSERVER");
	int r = 0;

	for (size_t i = 0; r == 0 && forkserver != NULL && i < config->pool_count; i++)
		if (strcmp(config->pools[i].runtime, FORKSERVER_PATH) == 0)
			r = set_text(&config->pools[i].runtime, forkserver);
	return r;
}

static int apply_overrides(const struct overrides *given, struct config *config)
{
	struct pool_config *pool = &config->pools[0];
	int r = 0;

	if (given->socket != NULL)
		r = set_text(&config->socket, given->socket);
	if (given->workers > 0)
		pool->min = pool->max = given->workers;
	for (size_t i = 0; r == 0 && i < given->plugin_count; i++)
		r = config_pool_add_plugin(pool, given->plugins[i]);
	return r;
}

int options_load(const struct options *options, struct config *ret, char error[CONFIG_ERROR_MAX])
{
	struct config config;
	int r = config_init(&config);

	error[0] = '\0';
	if (r == 0 && options->default_plugins)
		r = add_default_plugins(&config.pools[0], error);
	if (r == 0)
		r = read_file(options, &config, error);
	if (r == 0)
		r = replace_forkserver(&config);
	if (r == 0)
		r = apply_overrides(&options->given, &config);
	if (r == 0)
		r = config_check(&config, error);
	if (r == -ENOMEM)
		text_format(error, CONFIG_ERROR_MAX, "out of memory");
	if (r < 0)
		config_fini(&config);
	else
		*ret = config;
	return r;
}

/* ---- all of it -------------------------------------------------------------------------- */

int options_parse(struct options *ret, int argc, char **argv)
{
	char error[CONFIG_ERROR_MAX];
	int r;

	*ret = (struct options){
		.session_fd = -1, .resume_fd = -1, .default_plugins = true, .argv = argv};
	r = parse_arguments(ret, argc, argv);
	if (r == OPTIONS_RUN)
		r = choose_file(ret);
	if (r != OPTIONS_RUN || ret->resume_fd >= 0)
		return r;
	r = options_load(ret, &ret->config, error);
	if (r < 0) {
		log_error("%s", error);
		return r;
	}
	if (error[0] != '\0')
		log_warning("%s", error);
	return OPTIONS_RUN;
}

void options_fini(struct options *options)
{
	for (size_t i = 0; i < options->given.plugin_count; i++)
		free(options->given.plugins[i]);
	free(options->given.plugins);
	free(options->given.socket);
	free(options->config_file);
	config_fini(&options->config);
	*options = (struct options){.session_fd = -1, .resume_fd = -1};
}
