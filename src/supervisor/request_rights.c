/* SPDX-License-Identifier: MIT */
/* request.h, what the policy says against a request. */
#include <limits.h>
#include <string.h>

#include "base/text.h"
#include "supervisor/call.h"
#include "supervisor/pool.h"
#include "supervisor/request.h"
#include "supervisor/rights.h"
#include "supervisor/session.h"
#include "supervisor/supervisor.h"
#include "wire/scan.h"

enum { WHY_MAX = 900 };

static bool deny(struct session *session, const struct request *request, const char *what,
	const char *pool, const char *way)
{
	char who[RIGHTS_WHO_MAX], why[WHY_MAX];

	rights_say_who(session, who);
	text_format(why, sizeof(why), "%s may not %s%s%s%s: %s", who, what,
		pool != NULL ? " in the pool '" : "", pool != NULL ? pool : "",
		pool != NULL ? "'" : "", way);
	request_fail(session, request, RUCHE_DENIED, why);
	return false;
}

/* ---- everything --------------------------------------------------------------------------- */

bool request_is_free(struct session *session, const struct request *request)
{
	/* And what is about calls and objects that are open already: a function's last act is read when its task has ended. */
	static const char *const free_names[] = {
		"ruche.ping", "ruche.hello", "ruche.cancel", "ruche.input", "ruche.close"};

	for (size_t i = 0; i < sizeof(free_names) / sizeof(free_names[0]); i++)
		if (strlen(free_names[i]) == request->name_len &&
			memcmp(free_names[i], request->name, request->name_len) == 0)
			return true;
	return deny(session, request, "use this daemon", NULL,
		session->speaks_for == NULL
			? "it does so as the task's caller, while the task runs"
			: "a section [allow NAME] of its configuration has to name the user or a "
			  "group of theirs");
}

/* ---- methods ------------------------------------------------------------------------------- */

static const char *word_of(enum access_method method)
{
	const struct access_word *word = access_words;

	while (word->methods != (unsigned)method)
		word++;
	return word->name;
}

bool request_may(struct session *session, const struct request *request, enum access_method method,
	const struct pool *pool)
{
	char what[100], way[200];

	if (rights_may(session, method, pool))
		return true;
	text_format(what, sizeof(what), "%s%s", word_of(method),
		pool == NULL && access_is_of_pools(method) ? " all pools" : "");
	text_format(way, sizeof(way),
		"that is for root, the daemon's own user, and those to whom a section [allow NAME] "
		"gives methods = %s",
		word_of(method));
	return deny(session, request, what, pool != NULL ? pool->config->name : NULL, way);
}

/* ---- functions ------------------------------------------------------------------------------ */

static bool may_call(
	struct session *session, const struct request *request, const struct call_request *call)
{
	char what[300];

	if (rights_may_call(session, call->pool, call->record))
		return true;
	text_format(what, sizeof(what), "call '%s'", call->record->name);
	return deny(session, request, what, call->pool->config->name,
		"none of its sections [allow NAME] has a pattern for it in functions");
}

/* ---- commands --------------------------------------------------------------------------------- */

static bool is_empty_map(struct piece piece)
{
	uint32_t pairs;
	size_t head;

	return piece.len > 0 && scan_map(piece.data, piece.len, &pairs, &head) == 0 && pairs == 0;
}

/* Only what the worker is known to understand as we do; of an environment only none. */
static bool option_is_plain(struct piece name, struct piece value)
{
	static const char *const harmless[] = {"stdin", "stream", "stream_input", "cwd"};

	for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
		if (piece_is_str(name, harmless[i]))
			return true;
	return piece_is_str(name, "env") && is_empty_map(value);
}

static bool options_are_plain(struct piece options)
{
	const uint8_t *at, *end;
	uint32_t pairs;
	size_t head;

	if (options.len == 0)
		return true;
	if (scan_map(options.data, options.len, &pairs, &head) < 0)
		return false;
	at = options.data + head;
	end = options.data + options.len;
	for (uint32_t i = 0; i < pairs; i++) {
		struct piece name = piece_at(at, end, 0), value = piece_at(at, end, 1);

		if (value.len == 0 || !option_is_plain(name, value))
			return false;
		at = value.data + value.len;
	}
	return true;
}

/* argv[0] as the worker will have it; false: it is none that could be looked at. */
static bool get_program(const struct call_request *call, char ret[PATH_MAX])
{
	const struct piece params = {call->params, call->params_len};
	struct piece name = piece_in_array(piece_in_array(params, 0), 0);
	uint32_t len;
	size_t head;

	if (scan_str(name.data, name.len, &len, &head) < 0 || len >= PATH_MAX ||
		memchr(name.data + head, '\0', len) != NULL)
		return false;
	memcpy(ret, name.data + head, len);
	ret[len] = '\0';
	return true;
}

static bool may_run(
	struct session *session, const struct request *request, const struct call_request *call)
{
	const struct piece params = {call->params, call->params_len};
	char program[PATH_MAX] = "", what[300];
	enum access_command may;
	bool is_plain;

	is_plain = get_program(call, program) && options_are_plain(piece_in_array(params, 1));
	may = rights_may_run(session, call->pool, program);
	if (may == ACCESS_COMMAND_ANY || (may == ACCESS_COMMAND_PLAIN && is_plain))
		return true;
	text_format(what, sizeof(what), "run '%s'", program);
	return deny(session, request, what, call->pool->config->name,
		may == ACCESS_COMMAND_PLAIN
			? "that needs commands = yes in a section [allow NAME]; without an "
			  "environment of its own (ruche run --clear-env) it may be run"
			: "none of its sections [allow NAME] has commands = yes, or a pattern for "
			  "it");
}

/* ---- both --------------------------------------------------------------------------------------- */

bool request_may_open(
	struct session *session, const struct request *request, const struct call_request *call)
{
	if (session->speaks_for->rights.all_calls)
		return true;
	if (call->record != NULL)
		return may_call(session, request, call);
	if (call->is_command)
		return may_run(session, request, call);
	/* A chunk whose function nobody but the worker can read. */
	return deny(session, request, "call this", call->pool->config->name,
		"the name of the function is no string");
}
