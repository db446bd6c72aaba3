/* SPDX-License-Identifier: MIT */
#ifndef BENCH_RELAY_H
#define BENCH_RELAY_H

/*
 * The least that a daemon of ruche's topology does: clients on Unix sockets, one process that
 * relays, workers on pipes, pinned to cores.  Frames of 64 bytes that nobody parses, queues without fairness,
 * nothing that survives a crash.  What is faster than this has another topology.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { RELAY_FRAME = 64, RELAY_CLIENTS_MAX = 1024, RELAY_WORKERS_MAX = 64 };

struct relay_frame {
	uint32_t id, client; /* the relay sets `client` */
	uint64_t value;      /* the worker squares it */
	uint8_t rest[RELAY_FRAME - 16];
};

_Static_assert(sizeof(struct relay_frame) == RELAY_FRAME, "a frame is as long as told");

struct relay {
	pid_t pid;                      /* its children are the workers */
	int clients[RELAY_CLIENTS_MAX]; /* our ends of the sockets; owned */
	size_t client_count, worker_count;
};

/* Starts relay and workers.  With `is_stream` one client's bytes go to one worker, which echoes them. */
void relay_start(struct relay *relay, size_t clients, size_t workers, size_t stream_bytes);
void relay_stop(struct relay *relay);

/* Whole reads and writes that block; they end the program if there is an error. */
void relay_write(int fd, const void *data, size_t len);
void relay_read(int fd, void *data, size_t len);

#endif
