/* SPDX-License-Identifier: MIT */
#include "supervisor/asker.h"

#include <errno.h>
#include <stdlib.h>

#include "supervisor/call.h"
#include "supervisor/reply.h"
#include "supervisor/session.h"

int asker_add(struct asker **list, struct session *session, uint32_t msgid)
{
	struct asker *asker = malloc(sizeof(*asker));
	struct message_error error = error_make(RUCHE_BUSY, "the daemon has no memory to wait");

	if (asker == NULL) {
		reply_error(session, msgid, &error);
		return -ENOMEM;
	}
	*asker = (struct asker){*list, session->ref, msgid};
	*list = asker;
	session->wait_count++;
	return 0;
}

static void tell(struct session *session, uint32_t msgid, const struct message_error *error)
{
	if (error != NULL)
		reply_error(session, msgid, error);
	else
		reply_nil(session, msgid);
	session->wait_count--;
	session_wake(session);
}

void askers_tell(struct supervisor *sup, struct asker **list, const struct message_error *error)
{
	for (const struct asker *asker = *list; asker != NULL; asker = asker->next) {
		struct session *session = session_get(sup, asker->session);

		if (session != NULL)
			tell(session, asker->msgid, error);
	}
	askers_free(list);
}

void askers_free(struct asker **list)
{
	while (*list != NULL) {
		struct asker *asker = *list;

		*list = asker->next;
		free(asker);
	}
}
