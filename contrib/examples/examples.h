/* SPDX-License-Identifier: MIT */
#ifndef EXAMPLES_H
#define EXAMPLES_H

/*
 * What the examples have in common: a daemon to talk to, and an end with a word of why when something
 * cannot be done.  Nothing need be cleaned up before exit(): the daemon releases what a program leaves behind.
 */

#include <ruche/objects.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Ends the program if `r` is a negative errno, with the daemon's words if it had any. */
static inline void must(struct ruche *ruche, const char *what, int r)
{
	const struct ruche_error *error;

	if (r >= 0)
		return;
	error = ruche_last_error(ruche);
	fprintf(stderr, "%s: %s\n", what, error != NULL ? error->message : strerror(-r));
	exit(EXIT_FAILURE);
}

/* A reply is a result or an error: ends the program if it is an error. */
static inline void must_be_result(const struct ruche_reply *reply)
{
	const struct ruche_error *error = ruche_reply_error(reply);

	if (error == NULL)
		return;
	fprintf(stderr, "%s: %s\n", ruche_code_name(error->code), error->message);
	exit(EXIT_FAILURE);
}

/* Connects to the daemon of $RUCHE_SOCKET; without one it starts a daemon of its own, which ends with it. */
static inline struct ruche *open_ruche(void)
{
	const char *path = getenv("RUCHE_SOCKET");
	struct ruche *ruche = NULL;
	int r = path != NULL && path[0] != '\0' ? ruche_open(NULL, &ruche)
						: ruche_open_private(NULL, &ruche);

	must(NULL, "cannot reach a ruched", r);
	return ruche;
}

enum { NAME_MAX_LEN = 64 };

/* A name for an object that no other run of this program uses: all programs of a user share one name space. */
static inline const char *name_it(const char *what, char name[NAME_MAX_LEN])
{
	snprintf(name, NAME_MAX_LEN, "%s-%d", what, (int)getpid());
	return name;
}

/* Waits for a process to end.  Its result is valid until ruche_process_close(). */
static inline const struct ruche_reply *join(struct ruche *ruche, struct ruche_child *child)
{
	const struct ruche_reply *reply = NULL;

	must(ruche, "cannot wait for a process", ruche_process_join(child, -1, &reply));
	must_be_result(reply);
	return reply;
}

/* Prints a result that is text, as a line. */
static inline void print_line(const struct ruche_reply *reply)
{
	const char *text;
	size_t len;

	if (ruche_reply_bytes(reply, &text, &len) == 0)
		printf("%.*s\n", (int)len, text);
}

/* Seconds, by a clock that all processes of the machine share. */
static inline double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

#endif
