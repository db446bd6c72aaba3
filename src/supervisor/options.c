/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "supervisor/options.h"

#include <errno.h>
#include <getopt.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

enum {
	WORKERS_MAX = 1024,
	OPT_NO_DEFAULT_PLUGINS = 256,
	OPT_SESSION_FD,
	OPT_CHECK_CONFIG,
};

static const char help_text[] =
	"Usage: ruched [OPTION]…\n"
	"Keeps a pool of worker processes, one for each core, and runs what its clients call.\n"
	"\n"
	"  -s, --socket PATH         where clients connect; by default "
	"$XDG_RUNTIME_DIR/ruche/ruche.sock,\n"
	"                            or /run/ruche/ruche.sock where that is not set\n"
	"  -w, --workers N           how many workers; by default one for each usable core\n"
	"  -p, --plugin FILE         load the functions of this plugin too; may be given again\n"
	"      --no-default-plugins  load none but those given by --plugin\n"
	"      --check-config        load everything, say whether it is good, and end\n"
	"      --session-fd N        serve the connected socket N alone and end with it\n"
	"  -v, --verbose             say more on stderr\n"
	"  -h, --help                this text\n"
	"  -V, --version             the version\n"
	"\n"
	"It stays in the foreground.  SIGTERM: answer what runs, then end.\n"
	"Try it:  ruched --socket /tmp/r.sock &  ruche --socket /tmp/r.sock call cube 3\n"
	"See ruched(8), ruche(1), ruche-plugin(3).\n";

static const struct option long_options[] = {
	{"socket", required_argument, NULL, 's'},
	{"workers", required_argument, NULL, 'w'},
	{"plugin", required_argument, NULL, 'p'},
	{"no-default-plugins", no_argument, NULL, OPT_NO_DEFAULT_PLUGINS},
	{"check-config", no_argument, NULL, OPT_CHECK_CONFIG},
	{"session-fd", required_argument, NULL, OPT_SESSION_FD},
	{"verbose", no_argument, NULL, 'v'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

static int add_plugin(struct options *options, const char *file)
{
	size_t size = (options->plugin_count + 1) * sizeof(char *);
	char **plugins = realloc(options->plugins, size);

	if (plugins == NULL)
		return -ENOMEM;
	options->plugins = plugins;
	plugins[options->plugin_count] = strdup(file);
	if (plugins[options->plugin_count] == NULL)
		return -ENOMEM;
	options->plugin_count++;
	return 0;
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

static int set_socket(struct options *options, const char *path)
{
	free(options->socket);
	options->socket = strdup(path);
	return options->socket == NULL ? -ENOMEM : 0;
}

static int set_number(struct options *options, int option, const char *text)
{
	bool is_fd = option == OPT_SESSION_FD;
	long value;

	if (parse_number(is_fd ? "session-fd" : "workers", text, is_fd ? 3 : 1,
		    is_fd ? 1 << 20 : WORKERS_MAX, &value) < 0)
		return OPTIONS_USAGE;
	if (is_fd)
		options->session_fd = (int)value;
	else
		options->workers = (uint32_t)value;
	return OPTIONS_RUN;
}

static int apply(struct options *options, int option, const char *value)
{
	switch (option) {
	case 's':
		return set_socket(options, value);
	case 'w':
	case OPT_SESSION_FD:
		return set_number(options, option, value);
	case 'p':
		return add_plugin(options, value);
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

/* Every plugin of the default directory, sorted by name, before those of the command line. */
static int add_default_plugins(struct options *options)
{
	const char *dir = getenv("RUCHE_PLUGIN_DIR");
	char pattern[4096];
	glob_t found;
	int r = 0;

	snprintf(pattern, sizeof(pattern), "%s/*.so", dir != NULL ? dir : PLUGIN_DIR);
	switch (glob(pattern, 0, NULL, &found)) {
	case 0:
		for (size_t i = 0; r == 0 && i < found.gl_pathc; i++)
			r = add_plugin(options, found.gl_pathv[i]);
		globfree(&found);
		return r;
	case GLOB_NOMATCH:
		if (dir == NULL || access(dir, R_OK | X_OK) == 0)
			return 0;
		log_error("cannot read RUCHE_PLUGIN_DIR=%s: %s", dir, strerror(errno));
		return -errno;
	default:
		log_error("cannot read the plugins' directory: %s", pattern);
		return -EIO;
	}
}

static int parse_arguments(struct options *options, int argc, char **argv)
{
	int option, r = OPTIONS_RUN;

	optind = 0;
	while (r == OPTIONS_RUN) {
		option = getopt_long(argc, argv, "s:w:p:vhV", long_options, NULL);
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

int options_parse(struct options *ret, int argc, char **argv)
{
	const char *forkserver = getenv("RUCHE_FORKSERVER");
	struct options given = {.session_fd = -1, .default_plugins = true};
	int r;

	*ret = (struct options){
		.session_fd = -1, .forkserver = forkserver != NULL ? forkserver : FORKSERVER_PATH};
	r = parse_arguments(&given, argc, argv);
	if (r == OPTIONS_RUN && given.default_plugins)
		r = add_default_plugins(ret);
	for (size_t i = 0; r == OPTIONS_RUN && i < given.plugin_count; i++)
		r = add_plugin(ret, given.plugins[i]);
	ret->socket = given.socket;
	given.socket = NULL;
	ret->workers = given.workers;
	ret->session_fd = given.session_fd;
	ret->check_only = given.check_only;
	ret->verbose = given.verbose;
	options_fini(&given);
	return r;
}

void options_fini(struct options *options)
{
	for (size_t i = 0; i < options->plugin_count; i++)
		free(options->plugins[i]);
	free(options->plugins);
	free(options->socket);
	*options = (struct options){.session_fd = -1};
}
