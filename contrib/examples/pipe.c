/* SPDX-License-Identifier: MIT */
/*
 * Parent and child talk over a pipe, in values: the parent sends words, the child gives each back in capitals
 * until the parent closes its end.
 *
 * What the child does is `example.shout` in contrib/plugins/examples.c.
 */

#include "examples.h"

static void ask(struct ruche_pipe *pipe, const char *word)
{
	struct ruche_reply *answer;
	const char *text;
	size_t len;

	must(NULL, "cannot send", ruche_pipe_send(pipe, -1, "s", word));
	must(NULL, "no answer", ruche_pipe_receive(pipe, -1, &answer));
	must(NULL, "no text", ruche_reply_bytes(answer, &text, &len));
	printf("%s -> %.*s\n", word, (int)len, text);
	ruche_reply_free(answer);
}

int main(void)
{
	struct ruche *ruche = open_ruche();
	struct ruche_child *child;
	struct ruche_pipe *pipe;
	char name[NAME_MAX_LEN];
	int r;

	r = ruche_pipe_open(ruche, &pipe, name_it("pipe", name), 0, NULL);
	must(ruche, "cannot make the pipe", r);
	r = ruche_process_start(ruche, &child, NULL, "example.shout", "s", name);
	must(ruche, "cannot start the child", r);
	/* The other end is the child's: should it die before it takes it, we see the end, and do not wait. */
	r = ruche_pipe_hand(ruche, name, 1, 0, ruche_process_task(child));
	must(ruche, "cannot hand the other end on", r);

	ask(pipe, "hello");
	ask(pipe, "world");
	ruche_pipe_close(pipe); /* the child sees the end */
	print_line(join(ruche, child));
	ruche_process_close(child);
	ruche_close(ruche);
	return EXIT_SUCCESS;
}
