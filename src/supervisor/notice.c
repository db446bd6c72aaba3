/* SPDX-License-Identifier: MIT */
#include "supervisor/notice.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "core/handle.h"
#include "core/record.h"
#include "core/user.h"
#include "supervisor/config.h"
#include "supervisor/pool.h"
#include "supervisor/session.h"
#include "supervisor/supervisor.h"
#include "supervisor/tail.h"
#include "supervisor/timers.h"
#include "supervisor/worker.h"

enum { MESSAGE_MAX = 2048 };

/* ---- fields ------------------------------------------------------------------------------- */

static void put_bytes(struct journal_entry *entry, const char *name, const char *text, size_t len)
{
	char clean[JOURNAL_VALUE_MAX];

	journal_put(entry, name, clean, text_escape(clean, sizeof(clean), text, len, NULL));
}

static void put_text(struct journal_entry *entry, const char *name, const char *text)
{
	if (text != NULL)
		put_bytes(entry, name, text, strlen(text));
}

static void put_number(struct journal_entry *entry, const char *name, uint64_t value)
{
	char digits[24];

	text_format(digits, sizeof(digits), "%" PRIu64, value);
	put_text(entry, name, digits);
}

static void put_positive(struct journal_entry *entry, const char *name, uint64_t value)
{
	if (value > 0)
		put_number(entry, name, value);
}

/* The last that fits of a worker's last lines. */
static void put_output(struct journal_entry *entry, const struct tail *tail)
{
	char clean[4 * JOURNAL_VALUE_MAX];
	size_t drop, n, len = 0;
	const char *text = tail != NULL ? tail_lines(tail, &len) : NULL;

	while ((n = text_escape(clean, sizeof(clean), text, len, "\n\t")) > JOURNAL_VALUE_MAX) {
		drop = (n - JOURNAL_VALUE_MAX + 3) / 4; /* a byte becomes up to four */
		text += drop;
		len -= drop;
	}
	if (n > 0)
		journal_put(entry, "RUCHE_STDERR", clean, n);
}

static const char *name_of_pool(const struct supervisor *sup, const struct notice_fields *fields)
{
	const struct pool *pool = fields->pool;

	if (pool == NULL && fields->worker != NULL)
		pool = fields->worker->pool;
	if (pool == NULL && fields->task != NULL && fields->task->pool < sup->pool_count)
		pool = sup->pools[fields->task->pool];
	return pool != NULL ? pool->config->name : NULL;
}

static void put_worker(struct journal_entry *entry, const struct worker *worker)
{
	if (worker == NULL)
		return;
	put_number(entry, "RUCHE_WORKER", worker->slot->index);
	put_positive(entry, "RUCHE_PID", (uint64_t)worker->pid);
}

static void put_task(struct journal_entry *entry, const struct task *task)
{
	if (task == NULL)
		return;
	if (task->handle != NULL)
		put_number(entry, "RUCHE_TASK", task->handle->id);
	put_bytes(entry, "RUCHE_FUNCTION", (const char *)task->frame + task->name_off,
		task->name_len);
	put_number(entry, "RUCHE_ATTEMPT", task->attempts + 1U);
	if (task->handle != NULL)
		put_text(entry, "RUCHE_TAG", task->handle->tag);
}

/* Who asked for it, if that is known. */
static void put_client(struct journal_entry *entry, const struct supervisor *sup,
	const struct notice_fields *fields)
{
	const struct task *task = fields->task;
	const struct session *session = fields->session;

	if (session == NULL && task != NULL)
		session = session_find(sup, task->session);
	if (task != NULL && task->client != NULL)
		put_number(entry, "RUCHE_UID", task->client->user->uid);
	else if (session != NULL)
		put_number(entry, "RUCHE_UID", session->self->uid);
	if (session != NULL)
		put_positive(entry, "RUCHE_CLIENT_PID", (uint64_t)session->pid);
}

static void put_death(struct journal_entry *entry, const struct notice_fields *fields)
{
	put_positive(entry, "RUCHE_SIGNAL", (uint64_t)fields->signal);
	if (fields->exited)
		put_number(entry, "RUCHE_EXIT_STATUS", (uint64_t)fields->exit_status);
	put_positive(entry, "RUCHE_PEAK_MEMORY", fields->peak_memory);
	put_output(entry, fields->tail);
}

static void put_head(struct journal_entry *entry, enum notice_kind kind, const char *text)
{
	char priority[] = {log_priority(notice_kinds[kind].level), '\0'};

	put_text(entry, "MESSAGE", text);
	put_text(entry, "MESSAGE_ID", notice_kinds[kind].id);
	put_text(entry, "PRIORITY", priority);
	put_text(entry, "SYSLOG_FACILITY", "3"); /* daemons, as stderr has it */
	put_text(entry, "SYSLOG_IDENTIFIER", "ruched");
	put_text(entry, "RUCHE_EVENT", notice_kinds[kind].name);
}

void notice_pack(struct supervisor *sup, enum notice_kind kind, const struct notice_fields *fields,
	const char *text, struct journal_entry *ret)
{
	ret->len = 0;
	put_head(ret, kind, text);
	put_text(ret, "RUCHE_CAUSE", fields->cause);
	put_text(ret, "RUCHE_POOL", name_of_pool(sup, fields));
	put_worker(ret, fields->worker);
	put_positive(ret, "RUCHE_PID", (uint64_t)fields->pid);
	put_task(ret, fields->task);
	put_client(ret, sup, fields);
	if (fields->record != NULL)
		put_text(ret, "RUCHE_FUNCTION", fields->record->name);
	put_positive(ret, "RUCHE_COUNT", fields->count);
	put_text(ret, "RUCHE_LEFT_OUT", fields->left_out);
	put_death(ret, fields);
}

/* ---- sending ------------------------------------------------------------------------------ */

static bool send_entry(struct supervisor *sup, enum notice_kind kind,
	const struct notice_fields *fields, const char *text)
{
	struct journal_entry entry;
	char longer[MESSAGE_MAX];
	const char *line;
	size_t len = 0;

	if (!log_is_journal())
		return false;
	line = fields->tail != NULL ? tail_last_line(fields->tail, &len) : NULL;
	text_format(longer, sizeof(longer), "%s%s%.*s", text, len > 0 ? "; it last wrote: " : "",
		(int)len, line);
	notice_pack(sup, kind, fields, longer, &entry);
	return journal_send(&sup->notices.journal, &entry) == 0;
}

static void write_out(struct supervisor *sup, enum notice_kind kind,
	const struct notice_fields *fields, const char *text)
{
	const char *lines;
	size_t len = 0;

	if (send_entry(sup, kind, fields, text)) {
		log_account();
		return;
	}
	log_at(notice_kinds[kind].level, "%s", text);
	lines = fields->tail != NULL ? tail_lines(fields->tail, &len) : NULL;
	if (len > 0)
		log_at(notice_kinds[kind].level, "worker %u last wrote: %.*s",
			fields->worker->slot->index, (int)len, lines);
}

static void account_for(struct supervisor *sup, enum notice_kind kind)
{
	struct notice_state *state = &sup->notices.states[kind];
	struct notice_fields fields = {.left_out = notice_kinds[kind].name};
	char text[128];

	fields.count = throttle_collect(&state->throttle);
	alarms_clear(&sup->alarms, &state->alarm);
	if (fields.count == 0)
		return;
	text_format(text, sizeof(text), "%" PRIu64 " more messages of this kind were left out: %s",
		fields.count, fields.left_out);
	write_out(sup, NOTICE_LEFT_OUT, &fields, text);
}

/* False: not now.  Where no alarm is to be had, the next one of its kind accounts for what was left out. */
static bool may_be_sent(struct supervisor *sup, enum notice_kind kind)
{
	struct notice_state *state = &sup->notices.states[kind];
	uint64_t now = clock_now();

	if (!log_shows(notice_kinds[kind].level))
		return false;
	if (throttle_take(&state->throttle, now)) {
		account_for(sup, kind);
		return true;
	}
	if (!alarm_is_set(&state->alarm))
		alarms_set(&sup->alarms, &state->alarm, state->throttle.opens_at);
	return false;
}

void notice_send(struct supervisor *sup, enum notice_kind kind, const struct notice_fields *fields,
	const char *format, ...)
{
	char text[MESSAGE_MAX];
	va_list args;

	if (!may_be_sent(sup, kind))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	write_out(sup, kind, fields, text);
}

void notice_on_time(struct supervisor *sup, const struct alarm *alarm)
{
	for (int kind = 0; kind < NOTICE_KINDS; kind++)
		if (alarm == &sup->notices.states[kind].alarm)
			account_for(sup, kind);
}

void notices_init(struct supervisor *sup)
{
	journal_init(&sup->notices.journal, JOURNAL_SOCKET);
	for (int kind = 0; kind < NOTICE_KINDS; kind++)
		sup->notices.states[kind].alarm.kind = TIMER_NOTICE;
}

void notices_account(struct supervisor *sup)
{
	for (int kind = 0; kind < NOTICE_KINDS; kind++)
		account_for(sup, kind);
	log_account();
}

void notices_fini(struct supervisor *sup)
{
	notices_account(sup);
	journal_fini(&sup->notices.journal);
}
