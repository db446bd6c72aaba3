/* SPDX-License-Identifier: MIT */
#ifndef WORKER_FORKSERVER_H
#define WORKER_FORKSERVER_H

/*
 * The fork server of the native runtime: a small single-threaded process that loads every
 * plugin once and forks the workers from itself, so that a new worker has all of it
 * at once and shares its memory.  It speaks the protocol of wire/link.h with the
 * supervisor, which started it.
 *
 * It is also the workers' guardian: when the supervisor goes away, it leaves none of them and
 * none of their descendants behind.
 */

/*
 * The program: ruche-forkserver and the options of settings.h, with the link as descriptor LINK_FD.
 * Returns the exit status, in the fork server when its link has ended and in every
 * worker when its task pipe has.
 */
int forkserver_main(int argc, char **argv);

#endif
