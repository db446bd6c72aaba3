/* SPDX-License-Identifier: MIT */
#include "client/use.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/connection.h"
#include "client/request.h"
#include "wire/message.h"

int use_check_name(const char *name)
{
	size_t len = name == NULL ? 0 : strnlen(name, USE_NAME_MAX + 1);

	return len == 0 || len > USE_NAME_MAX ? -EINVAL : 0;
}

void use_begin(struct use *use, struct ruche *ruche, const char *name)
{
	use->ruche = ruche;
	use->pid = getpid();
	strcpy(use->name, name);
	LIST_INSERT_HEAD(&ruche->uses, use, link);
}

bool use_is_live(const struct use *use)
{
	return use->ruche != NULL && use->pid == getpid();
}

/* Nobody waits for the answer. */
static void send_close(const struct use *use)
{
	struct ruche *ruche = use->ruche;
	struct request request;
	int r = request_begin(&request, ruche, "ruche.close");

	if (r < 0)
		return;
	r = msgpack_pack_array(&request.pk, 1);
	if (r == 0)
		r = message_pack_str(&request.pk, use->name);
	if (request_end(&request, r) < 0)
		return;
	calls_drop(&ruche->calls, calls_find(&ruche->calls, request.id));
	connection_send(ruche);
}

void use_end(struct use *use)
{
	if (use->ruche == NULL)
		return;
	if (use_is_live(use))
		send_close(use);
	LIST_REMOVE(use, link);
	use->ruche = NULL;
}

void uses_end(struct ruche *ruche)
{
	struct use *use;

	while ((use = LIST_FIRST(&ruche->uses)) != NULL) {
		use_end(use);
		if (use->ends_with_handle)
			free(use);
	}
}
