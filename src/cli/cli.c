/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "cli/failure.h"

enum { WORKERS_MAX = 1024 /* as ruched has it */, MESSAGE_MAX = 1024 };

/* ---- options that all subcommands have */

static const char *set_socket(struct cli *cli, const char *value)
{
	cli->socket = value;
	return NULL;
}

static const char *set_private(struct cli *cli, const char *value)
{
	(void)value;
	cli->private_daemon = true;
	return NULL;
}

static const char *set_workers(struct cli *cli, const char *value)
{
	size_t count;

	if (cli_number(value, WORKERS_MAX, &count) < 0)
		return "must be a number from 1 to 1024";
	cli->workers = (unsigned int)count;
	return NULL;
}

static const char *set_plugin(struct cli *cli, const char *value)
{
	const char **plugins =
		realloc(cli->plugins, (cli->plugin_count + 2) * sizeof(*cli->plugins));

	if (plugins == NULL)
		return "there is no memory left";
	plugins[cli->plugin_count++] = value;
	plugins[cli->plugin_count] = NULL;
	cli->plugins = plugins;
	return NULL;
}

static const char *set_json(struct cli *cli, const char *value)
{
	(void)value;
	cli->json = true;
	return NULL;
}

static const char *set_help(struct cli *cli, const char *value)
{
	(void)value;
	cli->help = true;
	return NULL;
}

static const char *set_version(struct cli *cli, const char *value)
{
	(void)value;
	cli->version = true;
	return NULL;
}

const struct cli_option cli_options[] = {
	{"socket", "PATH", "connect to the daemon at this socket", set_socket, 0},
	{"private", NULL, "start a daemon for this command alone; it ends with it", set_private, 0},
	{"workers", "N", "with --private: so many workers (default: one per core)", set_workers, 0},
	{"plugin", "FILE", "with --private: load this plugin too; may be given again", set_plugin,
		0},
	{"json", NULL, "print results and errors as JSON", set_json, 0},
	{"help", NULL, "print help and exit", set_help, 'h'},
	{"version", NULL, "print the version and exit", set_version, 'V'},
	{0},
};

/* ---- messages */

int cli_usage(const struct cli *cli, const char *format, ...)
{
	const char *name = cli->command != NULL ? cli->command->name : "";
	char text[MESSAGE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_error("%s%s%s", name, *name != '\0' ? ": " : "", text);
	log_error("try `ruche %s%s--help`", name, *name != '\0' ? " " : "");
	return STATUS_USAGE;
}

int cli_no_memory(void)
{
	log_error("out of memory");
	return STATUS_FAILED;
}

int cli_broken(int error)
{
	if (error == -ENOMEM)
		return cli_no_memory();
	if (error == -EMSGSIZE) {
		log_error("too large: a call takes %zu MiB at the most", ruche_frame_max() >> 20);
		return STATUS_FAILED;
	}
	if (error == -EINVAL) {
		log_error("libruche refuses this call: %s (a function's name has 1 to 255 bytes)",
			strerror(-error));
		return STATUS_USAGE;
	}
	log_error("lost the daemon: %s", strerror(-error));
	return STATUS_NO_DAEMON;
}

int cli_output_broken(int error)
{
	if (error == -EPIPE)
		return STATUS_SIGNAL + SIGPIPE;
	log_error("cannot write to stdout: %s", strerror(-error));
	return STATUS_OUTPUT;
}

int cli_number(const char *text, size_t max, size_t *ret)
{
	unsigned long long value;
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno != 0 || *end != '\0' || value < 1 || value > max)
		return -EINVAL;
	*ret = (size_t)value;
	return 0;
}

/* ---- output */

int cli_append(struct buf *buf, const char *format, ...)
{
	va_list args;
	char *text;
	int len, broken;

	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	if (len < 0)
		return -ENOMEM;
	broken = buf_append(buf, text, (size_t)len);
	free(text);
	return broken;
}

int cli_print(struct buf *text)
{
	int broken = fd_write_all(STDOUT_FILENO, buf_data(text), buf_len(text));

	return broken < 0 ? cli_output_broken(broken) : 0;
}

/* ---- the connection */

static void tell_no_daemon(const struct cli *cli, int error)
{
	const char *env = getenv("RUCHE_SOCKET"), *run = getenv("XDG_RUNTIME_DIR");

	if (cli->socket != NULL)
		log_error("no daemon at %s: %s", cli->socket, strerror(-error));
	else if (env != NULL && *env != '\0')
		log_error("no daemon at %s ($RUCHE_SOCKET): %s", env, strerror(-error));
	else if (run != NULL && *run != '\0')
		log_error("no daemon at %s/ruche/ruche.sock nor at /run/ruche/ruche.sock: %s", run,
			strerror(-error));
	else
		log_error("no daemon at /run/ruche/ruche.sock: %s", strerror(-error));
	if (cli->command->shared)
		log_error("start one (`ruched`), or say where it is (--socket PATH)");
	else
		log_error("start one (`ruched`), say where it is (--socket PATH), or have one for"
			  " this command alone: `ruche --private %s …`",
			cli->command->name);
}

static int open_private(struct cli *cli)
{
	struct ruche_private options = {.workers = cli->workers, .plugins = cli->plugins};
	int error = ruche_open_private(&options, &cli->ruche);
	const char *daemon;

	if (error == 0)
		return 0;
	daemon = getenv("RUCHE_DAEMON");
	if (daemon != NULL && *daemon != '\0') {
		log_error("cannot start a private daemon, %s ($RUCHE_DAEMON): %s", daemon,
			strerror(-error));
		return STATUS_NO_DAEMON;
	}
	log_error("cannot start a private daemon: %s", strerror(-error));
	if (error == -ENOENT)
		log_error("is ruched installed?  $RUCHE_DAEMON can name one that is not");
	return STATUS_NO_DAEMON;
}

int cli_open(struct cli *cli)
{
	int error;

	if (cli->private_daemon)
		return open_private(cli);
	error = ruche_open(cli->socket, &cli->ruche);
	if (error == 0)
		return 0;
	tell_no_daemon(cli, error);
	return STATUS_NO_DAEMON;
}

int cli_answer(const struct cli *cli, const char *what, int broken, struct ruche_reply *reply)
{
	int status;

	if (broken < 0)
		return cli_broken(broken);
	if (ruche_reply_code(reply) == RUCHE_OK)
		return 0;
	status = failure_report(cli, what, ruche_reply_error(reply));
	ruche_reply_free(reply);
	return status;
}

int cli_ask(struct cli *cli, const char *method, struct ruche_reply **ret)
{
	struct ruche_reply *reply = NULL;
	int status = cli_open(cli);

	if (status != 0)
		return status;
	status = ruche_call(cli->ruche, &reply, method, "");
	status = cli_answer(cli, method, status, reply);
	if (status == 0)
		*ret = reply;
	return status;
}
