/* SPDX-License-Identifier: MIT */
#include "worker/settings.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static int __attribute__((format(printf, 2, 3))) refuse(char *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, PLUGIN_ERROR_MAX, format, args);
	va_end(args);
	return -EINVAL;
}

/* All of `text` is a number in that base, up to `max`. */
static bool read_number(const char *text, int base, uint64_t max, uint64_t *ret)
{
	char *end;
	unsigned long long value;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtoull(text, &end, base);
	if (*end != '\0' || errno != 0 || value > max)
		return false;
	*ret = value;
	return true;
}

/* ---- limits of resources */

static const struct {
	const char *name;
	int resource;
} resources[] = {
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
	{"rss", RLIMIT_RSS},
	{"rtprio", RLIMIT_RTPRIO},
	{"rttime", RLIMIT_RTTIME},
	{"sigpending", RLIMIT_SIGPENDING},
	{"stack", RLIMIT_STACK},
};

enum { RESOURCES = sizeof(resources) / sizeof(*resources) };

static bool read_limit(const char *text, rlim_t *ret)
{
	uint64_t value;

	if (strcmp(text, "unlimited") == 0) {
		*ret = RLIM_INFINITY;
		return true;
	}
	if (!read_number(text, 10, RLIM_INFINITY - 1, &value))
		return false;
	*ret = value;
	return true;
}

/* SOFT or SOFT:HARD; changes `text`. */
static bool read_limits(char *text, struct rlimit *ret)
{
	char *colon = strchr(text, ':');

	if (colon != NULL)
		*colon = '\0';
	if (!read_limit(text, &ret->rlim_cur))
		return false;
	ret->rlim_max = ret->rlim_cur;
	return colon == NULL ||
	       (read_limit(colon + 1, &ret->rlim_max) && ret->rlim_cur <= ret->rlim_max);
}

static int set_limit(struct settings *s, char *value, char *error)
{
	char *equals = strchr(value, '=');
	size_t i = 0;

	if (equals != NULL)
		*equals = '\0';
	while (i < RESOURCES && strcmp(resources[i].name, value) != 0)
		i++;
	if (i == RESOURCES)
		return refuse(error, "--rlimit: there is no limit \"%.100s\" of a process", value);
	if (equals == NULL || !read_limits(equals + 1, &s->limits[resources[i].resource]))
		return refuse(error,
			"--rlimit: %s must be given as SOFT or SOFT:HARD, numbers or \"unlimited\"",
			value);
	s->has_limit[resources[i].resource] = true;
	return 0;
}

static int change_limit(size_t i, const struct rlimit *limit, char *error)
{
	if (setrlimit((__rlimit_resource_t)resources[i].resource, limit) == 0)
		return 0;
	return refuse(error,
		"the limit %s cannot be set: %s; it may be above what the daemon itself may have",
		resources[i].name, strerror(errno));
}

/* Workers may lower a hard limit; to raise one takes rights that they have no more. */
static int allow_limits(const struct settings *s, char *error)
{
	int r = 0;

	for (size_t i = 0; i < RESOURCES && r == 0; i++) {
		int resource = resources[i].resource;
		struct rlimit limit;

		if (!s->has_limit[resource])
			continue;
		getrlimit((__rlimit_resource_t)resource, &limit);
		if (s->limits[resource].rlim_max <= limit.rlim_max)
			continue;
		limit.rlim_max = s->limits[resource].rlim_max;
		r = change_limit(i, &limit, error);
	}
	return r;
}

int settings_limit(const struct settings *s, char *error)
{
	int r = 0;

	for (size_t i = 0; i < RESOURCES && r == 0; i++)
		if (s->has_limit[resources[i].resource])
			r = change_limit(i, &s->limits[resources[i].resource], error);
	return r;
}

/* ---- the user */

static const struct passwd *find_user(const char *name)
{
	uint64_t uid;

	if (read_number(name, 10, (uid_t)-2, &uid))
		return getpwuid((uid_t)uid);
	return getpwnam(name);
}

static void set_home(const struct passwd *user)
{
	setenv("HOME", user->pw_dir, 1);
	setenv("USER", user->pw_name, 1);
	setenv("LOGNAME", user->pw_name, 1);
}

static int become_user(const char *name, char *error)
{
	const struct passwd *user = find_user(name);

	if (user == NULL)
		return refuse(error, "there is no user \"%.200s\"; correct the pool's user", name);
	if (user->pw_uid == geteuid())
		return 0;
	if (geteuid() != 0)
		return refuse(error,
			"only root can run workers as another user: start ruched as root, or take "
			"the user %.200s out of the pool",
			name);
	if (initgroups(user->pw_name, user->pw_gid) < 0 || setgid(user->pw_gid) < 0 ||
		setuid(user->pw_uid) < 0)
		return refuse(error, "cannot become the user %.200s: %s", name, strerror(errno));
	prctl(PR_SET_DUMPABLE, 1); /* else its workers could leave no core, whatever their limit */
	set_home(user);
	return 0;
}

/* ---- the rest of the options */

static int add_plugin(struct settings *s, char *value, char *error)
{
	(void)error;
	s->plugins[s->plugin_count++] = value;
	return 0;
}

static int set_user(struct settings *s, char *value, char *error)
{
	(void)error;
	s->user = value;
	return 0;
}

static int set_nice(struct settings *s, char *value, char *error)
{
	bool negative = *value == '-';
	uint64_t nice;

	if (!read_number(value + negative, 10, negative ? 20 : 19, &nice))
		return refuse(error, "--nice must be a number from -20 to 19");
	s->nice = negative ? -(int)nice : (int)nice;
	s->has_nice = true;
	return 0;
}

static int set_umask(struct settings *s, char *value, char *error)
{
	uint64_t mask;

	if (!read_number(value, 8, 0777, &mask))
		return refuse(error, "--umask must be an octal number up to 777");
	s->umask = (mode_t)mask;
	s->has_umask = true;
	return 0;
}

static int add_variable(struct settings *s, char *value, char *error)
{
	const char *equals = strchr(value, '=');

	if (equals == NULL || equals == value)
		return refuse(error, "--env must be given as NAME=VALUE, not \"%.200s\"", value);
	s->environment[s->environment_count++] = value;
	return 0;
}

static int set_init(struct settings *s, char *value, char *error)
{
	(void)error;
	s->init = value;
	return 0;
}

static int set_max_memory(struct settings *s, char *value, char *error)
{
	if (!read_number(value, 10, INT64_MAX, &s->max_memory))
		return refuse(error, "--max-memory must be a number of bytes");
	return 0;
}

static int set_no_new_privs(struct settings *s, char *value, char *error)
{
	if (strcmp(value, "yes") != 0)
		return refuse(error, "--no-new-privs must be \"yes\", or left out");
	s->confine.no_new_privs = true;
	return 0;
}

static int set_deny(struct settings *s, char *value, char *error)
{
	(void)error;
	s->confine.deny = value;
	s->confine.no_new_privs = true;
	return 0;
}

/* "none" is no place: what is named beside it may be written to. */
static int add_writable(struct settings *s, char *value, char *error)
{
	struct confine *confine = &s->confine;

	if (*value != '/' && strcmp(value, "none") != 0)
		return refuse(error, "--writable must be a path that begins with /, or \"none\"");
	if (*value == '/')
		confine->writable[confine->writable_count++] = value;
	confine->keeps_from_writing = confine->no_new_privs = true;
	return 0;
}

static const struct setting {
	const char *name;
	int (*set)(struct settings *settings, char *value, char *error);
} table[] = {
	{"plugin", add_plugin},
	{"user", set_user},
	{"nice", set_nice},
	{"umask", set_umask},
	{"rlimit", set_limit},
	{"env", add_variable},
	{"init", set_init},
	{"max-memory", set_max_memory},
	{"no-new-privs", set_no_new_privs},
	{"deny-syscalls", set_deny},
	{"writable", add_writable},
};

enum { SETTINGS = sizeof(table) / sizeof(*table) };

int settings_read(struct settings *s, int argc, char **argv, char *error)
{
	struct option options[SETTINGS + 1] = {{0}};
	int r = 0, which = 0, option;

	*s = (struct settings){.plugins = calloc((size_t)argc + 1, sizeof(char *)),
		.environment = calloc((size_t)argc + 1, sizeof(char *)),
		.confine.writable = calloc((size_t)argc + 1, sizeof(char *))};
	if (s->plugins == NULL || s->environment == NULL || s->confine.writable == NULL)
		return refuse(error, "no memory");
	for (size_t i = 0; i < SETTINGS; i++)
		options[i] = (struct option){table[i].name, required_argument, NULL, 1};
	while (r == 0 && (option = getopt_long(argc, argv, "", options, &which)) == 1)
		r = table[which].set(s, optarg, error);
	if (r == 0 && (option != -1 || optind < argc))
		r = refuse(error,
			"usage: ruche-forkserver [--plugin FILE]... [--user NAME|UID] "
			"[--nice N] [--umask OCTAL] [--rlimit NAME=SOFT[:HARD]]... "
			"[--env NAME=VALUE]... [--init FUNCTION] [--max-memory BYTES] "
			"[--no-new-privs yes] [--deny-syscalls NAMES] [--writable PATH]...");
	return r;
}

int settings_apply(struct settings *s, char *error)
{
	int r;

	if (s->has_umask)
		umask(s->umask);
	if (s->has_nice && setpriority(PRIO_PROCESS, 0, s->nice) < 0)
		return refuse(
			error, "the niceness cannot be set to %d: %s", s->nice, strerror(errno));
	r = allow_limits(s, error);
	if (r == 0 && s->user != NULL)
		r = become_user(s->user, error);
	for (size_t i = 0; i < s->environment_count; i++)
		putenv(s->environment[i]);
	return r == 0 ? confine_prepare(&s->confine, error) : r;
}

void settings_fini(struct settings *s)
{
	free(s->plugins);
	free(s->environment);
	confine_fini(&s->confine);
	*s = (struct settings){0};
}
