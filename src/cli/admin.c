/* SPDX-License-Identifier: MIT */

/* What is done to the daemon and its pools: one request each, with a pool's name or none. */

#include "cli/cli.h"

#include "base/log.h"

/* Asks and waits for the end, which has no result. */
static int ask(struct cli *cli, const char *method, const char *pool)
{
	struct ruche_reply *reply = NULL;
	int status = cli_open(cli);

	if (status != 0)
		return status;
	if (pool != NULL)
		status = ruche_call(cli->ruche, &reply, method, "s", pool);
	else
		status = ruche_call(cli->ruche, &reply, method, "");
	status = cli_answer(cli, pool != NULL ? pool : cli->command->name, status, reply);
	if (status == 0)
		ruche_reply_free(reply);
	return status;
}

static int run_for_all(struct cli *cli, const char *method, int argc)
{
	if (argc > 0)
		return cli_usage(cli, "takes no arguments: it is for the whole daemon");
	return ask(cli, method, NULL);
}

static int run_reload(struct cli *cli, int argc, char **argv)
{
	(void)argv;
	return run_for_all(cli, "ruche.reload", argc);
}

static int run_upgrade(struct cli *cli, int argc, char **argv)
{
	(void)argv;
	return run_for_all(cli, "ruche.upgrade", argc);
}

static int run_with_pool(struct cli *cli, const char *method, int argc, char **argv)
{
	if (argc > 1)
		return cli_usage(cli, "takes one POOL, or none for all of them");
	return ask(cli, method, argc == 1 ? argv[0] : NULL);
}

static int run_drain(struct cli *cli, int argc, char **argv)
{
	return run_with_pool(cli, "ruche.drain", argc, argv);
}

static int run_pause(struct cli *cli, int argc, char **argv)
{
	return run_with_pool(cli, "ruche.pause", argc, argv);
}

static int run_resume(struct cli *cli, int argc, char **argv)
{
	return run_with_pool(cli, "ruche.resume", argc, argv);
}

const struct cli_command reload_command = {
	.name = "reload",
	.usage = "[OPTION]...",
	.summary = "have the daemon take the new configuration and code",
	.text = "The configuration is read and all plugins are loaded anew, beside the old ones.  "
		"If all of\n"
		"that is good, workers are replaced one after another, and no task is lost; when "
		"the "
		"command\n"
		"ends, every new call goes to the new code.  Else nothing is changed, it says "
		"why, and\n"
		"the exit status is 1.  For root, the user of the daemon, and whom ruche.conf(5) "
		"allows\n"
		"it; SIGHUP does the same.",
	.examples = "ruche reload",
	.run = run_reload,
};

const struct cli_command upgrade_command = {
	.name = "upgrade",
	.usage = "[OPTION]...",
	.summary = "have the newly installed daemon take the place of the one that runs",
	.text = "The program that the daemon was started from is executed anew in the same "
		"process, "
		"whatever\n"
		"version it is by now.  Workers go on with what they run, what is queued stays "
		"queued, "
		"and\n"
		"clients keep their connections and notice nothing.  If the new program cannot go "
		"on "
		"with all\n"
		"that, the old one does, it says why, and the exit status is 1.  The code of the "
		"pools is not\n"
		"loaded anew: `ruche reload` does that.  For root, the user of the daemon, and "
		"whom\n"
		"ruche.conf(5) allows it; SIGUSR2 does the same.",
	.examples = "ruche upgrade && ruche reload",
	.run = run_upgrade,
};

const struct cli_command drain_command = {
	.name = "drain",
	.usage = "[OPTION]... [POOL]",
	.summary = "take nothing new, and wait until what there is has ended",
	.text = "New calls are answered \"unavailable\" until `ruche resume`.  Without POOL: all "
		"of "
		"them.",
	.examples = "ruche drain",
	.run = run_drain,
};

const struct cli_command pause_command = {
	.name = "pause",
	.usage = "[OPTION]... [POOL]",
	.summary = "start nothing more for now",
	.text = "What runs goes on, and what comes waits until `ruche resume`.  Without POOL: all "
		"of them.",
	.examples = "ruche pause",
	.run = run_pause,
};

const struct cli_command resume_command = {
	.name = "resume",
	.usage = "[OPTION]... [POOL]",
	.summary = "end `ruche pause` and `ruche drain`",
	.text = "Without POOL: all of them.",
	.examples = "ruche resume",
	.run = run_resume,
};
