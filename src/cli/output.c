/* SPDX-License-Identifier: MIT */
#include "cli/output.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

void output_init(struct output *output, int fd)
{
	struct stat st;

	*output = (struct output){.fd = fd, .last = '\n'};
	output->is_file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

void output_fini(struct output *output)
{
	buf_fini(&output->buf);
}

int output_add(struct output *output, const void *data, size_t len)
{
	return output->error != 0 ? 0 : buf_append(&output->buf, data, len);
}

bool output_is_full(const struct output *output, size_t limit)
{
	return buf_len(&output->buf) >= limit;
}

struct pollfd output_poll(const struct output *output)
{
	return (struct pollfd){
		.fd = buf_len(&output->buf) > 0 ? output->fd : -1,
		.events = POLLOUT,
	};
}

static bool is_writable(const struct output *output)
{
	struct pollfd poll_fd = output_poll(output);

	return poll_fd.fd >= 0 && poll(&poll_fd, 1, 0) == 1;
}

static void write_some(struct output *output)
{
	size_t len = buf_len(&output->buf);
	ssize_t n;

	/* A pipe that is writable takes PIPE_BUF bytes without waiting; a file takes all. */
	if (!output->is_file && len > PIPE_BUF)
		len = PIPE_BUF;
	n = write(output->fd, buf_data(&output->buf), len);
	if (n > 0) {
		output->last = (char)buf_data(&output->buf)[n - 1];
		buf_consume(&output->buf, (size_t)n);
	} else if (n < 0 && errno != EAGAIN && errno != EINTR) {
		output->error = -errno;
		buf_fini(&output->buf);
	}
}

void output_flush(struct output *output)
{
	while (is_writable(output))
		write_some(output);
}
