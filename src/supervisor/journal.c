/* SPDX-License-Identifier: MIT */
#include "supervisor/journal.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"

void journal_init(struct journal *journal, const char *socket)
{
	*journal = (struct journal){.fd = -1, .address = {.sun_family = AF_UNIX}};
	strncpy(journal->address.sun_path, socket, sizeof(journal->address.sun_path) - 1);
}

void journal_fini(struct journal *journal)
{
	fd_close(&journal->fd);
}

static void append(struct journal_entry *entry, const void *data, size_t len)
{
	memcpy(entry->data + entry->len, data, len);
	entry->len += len;
}

/*
 * NAME, newline, the length in eight bytes, the value, newline: the form for any bytes, in which no value can begin
 * another field.
 */
void journal_put(struct journal_entry *entry, const char *name, const char *value, size_t len)
{
	uint64_t length = htole64(len);
	size_t room = sizeof(entry->data) - entry->len, frame = strlen(name) + 2 + sizeof(length);

	if (frame > room || len > room - frame)
		return;
	append(entry, name, strlen(name));
	append(entry, "\n", 1);
	append(entry, &length, sizeof(length));
	append(entry, value, len);
	append(entry, "\n", 1);
}

/* With the address each time, so that the journal may be started again. */
int journal_send(struct journal *journal, const struct journal_entry *entry)
{
	if (journal->fd < 0)
		journal->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (journal->fd < 0)
		return -errno;
	if (sendto(journal->fd, entry->data, entry->len, MSG_DONTWAIT | MSG_NOSIGNAL,
		    (struct sockaddr *)&journal->address, sizeof(journal->address)) < 0)
		return -errno;
	return 0;
}
