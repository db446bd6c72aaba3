/* SPDX-License-Identifier: MIT */
/*
 * Tells what became of a submitted task, as a program that uses libruche would:
 *
 *	story SOCKET TASK
 *
 * Two lines: the message, and what ruche_error_describe() makes of the rest.
 */
#include <stdio.h>
#include <stdlib.h>

#include <ruche/ruche.h>

int main(int argc, char **argv)
{
	char text[RUCHE_ERROR_TEXT_MAX];
	const struct ruche_error *error;
	struct ruche_reply *reply;
	struct ruche *ruche;

	if (argc != 3 || ruche_open(argv[1], &ruche) < 0)
		return 1;
	if (ruche_task_result(ruche, strtoull(argv[2], NULL, 10), -1, &reply) < 0)
		return 1;
	error = ruche_reply_error(reply);
	if (error != NULL)
		printf("%s\n%s\n", error->message, ruche_error_describe(error, text, sizeof(text)));
	ruche_reply_free(reply);
	ruche_close(ruche);
	return 0;
}
