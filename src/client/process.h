/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_PROCESS_H
#define CLIENT_PROCESS_H

struct ruche;

/* Frees those that are not closed; the end of the connection stops them. */
void processes_free(struct ruche *ruche);

#endif
