/* SPDX-License-Identifier: MIT */
#ifndef SUPERVISOR_JOURNAL_H
#define SUPERVISOR_JOURNAL_H

/*
 * Entries with fields for the systemd journal, in its native protocol: one datagram for each.  libsystemd has calls for
 * that, but they wait when the journal does not read, and its socket is then full after a dozen entries.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

enum {
	JOURNAL_ENTRY_MAX = 16 * 1024,
	/* Of a value: journalctl -o json shows fields of 4 KiB, their names included, only if asked for them. */
	JOURNAL_VALUE_MAX = 4000,
};

struct journal {
	int fd; /* -1: no entry was sent yet */
	struct sockaddr_un address;
};

/* Zeroed it is empty. */
struct journal_entry {
	uint8_t data[JOURNAL_ENTRY_MAX];
	size_t len;
};

void journal_init(struct journal *journal, const char *socket);
void journal_fini(struct journal *journal);

/* Adds a field; its value may be any bytes.  One for which there is no room is left out. */
void journal_put(struct journal_entry *entry, const char *name, const char *value, size_t len);

/* Sends it now or not at all.  0, or a negative errno: -EAGAIN if the journal does not read. */
int journal_send(struct journal *journal, const struct journal_entry *entry);

#endif
