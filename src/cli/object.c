/* SPDX-License-Identifier: MIT */
#include "cli/object.h"

#include <errno.h>

#include "base/log.h"
#include "cli/cli.h"
#include "cli/duration.h"
#include "cli/failure.h"

static const char *set_timeout(struct cli *cli, const char *value)
{
	if (duration_parse(value, &cli->timeout) < 0)
		return "must be a time such as 0, 1.5, 500ms, 2min or 1h";
	cli->has_timeout = true;
	return NULL;
}

static const struct cli_option rows[] = {
	{"timeout", "S", "wait no longer than this; 0: not at all (default: for ever)", set_timeout,
		0},
	{0},
};

const struct cli_option_group patience_option_group = {"Options of waiting", rows};

int object_patience(const struct cli *cli)
{
	return cli->has_timeout ? duration_ms(cli->timeout) : -1;
}

int object_operands(const struct cli *cli, int argc, int min, int max, const char *usage)
{
	return argc >= min && argc <= max ? 0 : cli_usage(cli, "takes %s", usage);
}

int object_open(struct cli *cli, struct ruche_object **ret, enum ruche_kind kind, const char *name,
	const struct ruche_object_options *options)
{
	int status = cli_open(cli);

	if (status != 0)
		return status;
	return object_answer(cli, name, ruche_object_open(cli->ruche, ret, kind, name, options));
}

/* What libruche says without the daemon. */
static const struct {
	int error, status;
	const char *text;
} failures[] = {
	{-ETIMEDOUT, STATUS_TIMEOUT, "time is up"},
	{-EAGAIN, STATUS_BUSY, "it would have to wait"},
	{-EPIPE, STATUS_FAILED, "the other end has gone"},
	{-EPROTO, STATUS_FAILED, "what came is no message"},
	{-EINVAL, STATUS_USAGE, "cannot be: a name has 1 to 255 bytes"},
};

static int tell_failure(const char *name, int error)
{
	for (size_t i = 0; i < sizeof(failures) / sizeof(*failures); i++) {
		if (failures[i].error != error)
			continue;
		log_error("%s: %s", name, failures[i].text);
		return failures[i].status;
	}
	return cli_broken(error);
}

int object_answer(const struct cli *cli, const char *name, int broken)
{
	const struct ruche_error *said;

	if (broken >= 0)
		return 0;
	said = ruche_last_error(cli->ruche);
	return said != NULL ? failure_report(cli, name, said) : tell_failure(name, broken);
}
