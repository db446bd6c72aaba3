/* SPDX-License-Identifier: MIT */
#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "cli/duration.h"

enum { LINE_SIZE = 160 };

static const uint64_t terminal_interval = 200 * CLOCK_MS;
static const uint64_t file_interval = 5 * CLOCK_S;

void progress_init(struct progress *progress, enum progress_mode mode)
{
	bool is_terminal = isatty(STDERR_FILENO) == 1;
	uint64_t now = clock_now();

	*progress = (struct progress){
		.is_terminal = is_terminal,
		.is_on = mode == PROGRESS_ON || (mode == PROGRESS_AUTO && is_terminal),
		.start = now,
		.next = now + CLOCK_S,
	};
}

int progress_timeout(const struct progress *progress)
{
	uint64_t now = clock_now();

	if (!progress->is_on)
		return -1;
	return progress->next <= now ? 0 : (int)((progress->next - now) / CLOCK_MS) + 1;
}

void progress_show(struct progress *progress, uint64_t done, uint64_t failed)
{
	uint64_t now = clock_now();
	double seconds = (double)(now - progress->start) / CLOCK_S;
	char line[LINE_SIZE], elapsed[DURATION_TEXT_MAX];
	int len;

	if (!progress->is_on || now < progress->next)
		return;
	len = snprintf(line, sizeof(line),
		"%sruche: %" PRIu64 " done, %" PRIu64 " failed, %.*f/s, %s%s",
		progress->is_terminal ? "\r" : "", done, failed,
		(double)done < 10 * seconds ? 1 : 0, (double)done / seconds,
		duration_text(elapsed, seconds), progress->is_terminal ? "\033[K" : "\n");
	if (len > 0)
		(void)fd_write_all(STDERR_FILENO, line, (size_t)len);
	progress->is_drawn = progress->is_terminal;
	progress->next = now + (progress->is_terminal ? terminal_interval : file_interval);
}

void progress_clear(struct progress *progress)
{
	static const char clear[] = "\r\033[K";

	if (!progress->is_drawn)
		return;
	(void)fd_write_all(STDERR_FILENO, clear, sizeof(clear) - 1);
	progress->is_drawn = false;
	progress->next = 0;
}
