/* SPDX-License-Identifier: MIT */
#include "cli/options.h"

#include <getopt.h>
#include <string.h>

#include "cli/cli.h"

enum {
	OPTIONS_MAX = 48,
	LONG_BASE = 256, /* getopt's value for row n is LONG_BASE + n: no letter's */
};

/* The tables in the shape that getopt_long() wants. */
struct syntax {
	const struct cli_option *rows[OPTIONS_MAX];
	struct option longs[OPTIONS_MAX + 1];
	char letters[2 * OPTIONS_MAX + 3];
	int count;
};

static void syntax_add(struct syntax *syntax, const struct cli_option *options)
{
	char *letter = syntax->letters + strlen(syntax->letters);

	for (; options != NULL && options->name != NULL && syntax->count < OPTIONS_MAX; options++) {
		syntax->rows[syntax->count] = options;
		syntax->longs[syntax->count] = (struct option){
			.name = options->name,
			.has_arg = options->value != NULL ? required_argument : no_argument,
			.val = LONG_BASE + syntax->count,
		};
		if (options->letter != 0)
			*letter++ = options->letter;
		if (options->letter != 0 && options->value != NULL)
			*letter++ = ':';
		syntax->count++;
	}
}

static void syntax_add_command(struct syntax *syntax, const struct cli_command *command)
{
	syntax_add(syntax, command->options);
	for (size_t i = 0; command->groups[i] != NULL; i++)
		syntax_add(syntax, command->groups[i]->options);
}

static const struct cli_option *syntax_find(const struct syntax *syntax, int value)
{
	if (value >= LONG_BASE)
		return syntax->rows[value - LONG_BASE];
	for (int i = 0; i < syntax->count; i++)
		if (syntax->rows[i]->letter == value)
			return syntax->rows[i];
	return NULL;
}

static int set(struct cli *cli, const struct cli_option *option)
{
	const char *wrong = option->set(cli, optarg);

	if (wrong == NULL)
		return 0;
	cli_usage(cli, "--%s %s: %s", option->name, optarg != NULL ? optarg : "", wrong);
	return -1;
}

static int take(struct cli *cli, const struct syntax *syntax, int value, const char *word)
{
	const struct cli_option *option;

	if (value == ':') {
		cli_usage(cli, "%s needs a value", word);
		return -1;
	}
	option = value == '?' ? NULL : syntax_find(syntax, value);
	if (option != NULL)
		return set(cli, option);
	if (optopt >= LONG_BASE)
		cli_usage(cli, "--%s takes no value", syntax->rows[optopt - LONG_BASE]->name);
	else if (cli->command == NULL)
		cli_usage(cli, "there is no option like %s in front of a subcommand", word);
	else
		cli_usage(cli, "there is no option like %s", word);
	return -1;
}

int options_parse(struct cli *cli, int argc, char **argv)
{
	struct syntax syntax = {.letters = "+:"};
	int value, before;

	syntax_add(&syntax, cli_options);
	if (cli->command != NULL)
		syntax_add_command(&syntax, cli->command);
	opterr = 0;
	optind = 0; /* glibc: begin anew */
	for (;;) {
		before = optind > 0 ? optind : 1;
		value = getopt_long(argc, argv, syntax.letters, syntax.longs, NULL);
		if (value == -1)
			break;
		if (take(cli, &syntax, value, argv[optind > 1 ? optind - 1 : 1]) < 0)
			return -1;
	}
	cli->dashes = optind > before && strcmp(argv[before], "--") == 0;
	return optind;
}
