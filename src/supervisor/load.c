/* SPDX-License-Identifier: MIT */
/* upgrade.h: a state becomes what the daemon knows.  The order is that of save.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "core/groups.h"
#include "supervisor/forkserver.h"
#include "supervisor/load.h"
#include "supervisor/state_fields.h"
#include "supervisor/supervisor.h"
#include "supervisor/timers.h"
#include "supervisor/upgrade.h"
#include "wire/link.h"

int load_fail(struct loading *l, const char *why)
{
	text_format(l->error, l->error_size, "%s", why);
	return -EPROTO;
}

int load_number(struct numbered *list, uint64_t at, void *thing)
{
	if (at >= NUMBER_MAX)
		return -EPROTO;
	if (at >= list->cap) {
		size_t cap = at < 512 ? 1024 : at * 2;
		void **all = reallocarray(list->all, cap, sizeof(*all));

		if (all == NULL)
			return -ENOMEM;
		memset(all + list->cap, 0, (cap - list->cap) * sizeof(*all));
		list->all = all;
		list->cap = cap;
	}
	list->all[at] = thing;
	return 0;
}

void *load_numbered(const struct numbered *list, uint64_t at)
{
	return at < list->cap ? list->all[at] : NULL;
}

/* ---- what it was told --------------------------------------------------------------------- */

static int on_ruche(struct loading *l)
{
	char why[128];
	uint64_t format = state_get_uint(&l->r, "format"), link = state_get_uint(&l->r, "link");

	l->sup->upgrade.old_program = state_get_fd(&l->r, "program");
	state_copy_text(&l->r, "version", l->sup->upgrade.former, sizeof(l->sup->upgrade.former));
	text_format(why, sizeof(why),
		"the state has format %llu, its workers speak version %llu; this program knows %d "
		"and %d",
		(unsigned long long)format, (unsigned long long)link, STATE_FORMAT, LINK_VERSION);
	return format == STATE_FORMAT && link == LINK_VERSION ? 0 : load_fail(l, why);
}

static int on_text(struct loading *l)
{
	char *file = state_get_text(&l->r, "file");
	size_t len;
	const char *text = state_get_bytes(&l->r, "text", &len);
	int r = file == NULL ? -ENOMEM
			     : config_add_text(&l->read, file, text != NULL ? text : "", len);

	free(file);
	return r;
}

static int keep_config(struct supervisor *sup, struct config *config)
{
	struct reload *reload = &sup->reload;
	struct config *kept = reallocarray(reload->kept, reload->kept_count + 1, sizeof(*kept));

	if (kept == NULL)
		return -ENOMEM;
	reload->kept = kept;
	kept[reload->kept_count++] = *config;
	return 0;
}

static int on_config(struct loading *l)
{
	struct supervisor *sup = l->sup;
	char error[CONFIG_ERROR_MAX];
	struct config config;
	int r;

	sup->options.instead = &l->read;
	r = options_load(&sup->options, &config, error);
	sup->options.instead = NULL;
	config_fini(&l->read);
	if (r < 0)
		return load_fail(l, error);
	if (l->configs++ == 0)
		sup->config = config;
	else
		r = keep_config(sup, &config);
	if (r < 0)
		config_fini(&config);
	return r;
}

/* ---- the daemon, its users ------------------------------------------------------------------ */

static int on_supervisor(struct loading *l)
{
	struct supervisor *sup = l->sup;
	const uint32_t *generations;
	size_t len;

	state_get_fields(&l->r, &state_of_supervisor, sup);
	free(sup->upgrade.program);
	sup->upgrade.program = state_get_text(&l->r, "program");
	generations = state_get_bytes(&l->r, "sessions", &len);
	return sessions_restore(
		&sup->sessions, generations, (uint32_t)(len / sizeof(*generations)));
}

static int on_hierarchy(struct loading *l)
{
	struct cgroup_tree tree = {0};

	state_get_fields(&l->r, &state_of_cgroup_tree, &tree);
	state_copy_text(&l->r, "own", tree.own, sizeof(tree.own));
	state_copy_text(&l->r, "base", tree.base, sizeof(tree.base));
	return cgroups_restore(&l->sup->cgroups, &tree, state_get_uint(&l->r, "plain") != 0);
}

static int on_dying_group(struct loading *l)
{
	char name[GROUPS_NAME_MAX] = "";

	state_copy_text(&l->r, "name", name, sizeof(name));
	return cgroup_restore_dying(&l->sup->cgroups, name);
}

static int on_listener(struct loading *l)
{
	struct listener *listener = &l->sup->listener;

	*listener = (struct listener){.reserve = -1};
	state_get_fields(&l->r, &state_of_listener, listener);
	listener->path = state_get_text(&l->r, "path");
	listener->address = state_get_text(&l->r, "address");
	return 0;
}

static int on_socket(struct loading *l)
{
	struct listener *listener = &l->sup->listener;

	if (listener->count == LISTENER_SOCKETS_MAX)
		return load_fail(l, "there are too many sockets");
	listener->fds[listener->count++] = state_get_fd(&l->r, "fd");
	return 0;
}

static int on_record(struct loading *l)
{
	size_t len;
	const char *name = state_get_bytes(&l->r, "name", &len);
	struct record *record = name != NULL ? records_get(&l->sup->records, name, len) : NULL;
	const void *reasons;

	if (record == NULL)
		return -ENOMEM;
	state_get_fields(&l->r, &state_of_record, record);
	reasons = state_get_bytes(&l->r, "reasons", &len);
	if (len == sizeof(record->reasons))
		memcpy(record->reasons, reasons, len);
	return 0;
}

static int on_client(struct loading *l)
{
	struct users *users = &l->sup->users;
	uid_t uid = (uid_t)state_get_uint(&l->r, "uid");
	bool is_detached = state_get_uint(&l->r, "detached") != 0;
	struct user *user = users_get(users, uid);
	struct client *client = NULL;

	if (user != NULL)
		client = is_detached ? user_detached(users, user) : client_new(users, uid);
	if (client == NULL)
		return -ENOMEM;
	client->is_held = false; /* until a session has it */
	return load_number(&l->clients, state_get_uint(&l->r, "number"), client);
}

/* It is there for as long as it is loaded, and then if somebody refers to it. */
static int on_identity(struct loading *l)
{
	uint64_t at = state_get_uint(&l->r, "number");
	size_t len;
	const void *groups = state_get_bytes(&l->r, "groups", &len);
	struct identity *identity =
		identities_get(&l->sup->identities, (uid_t)state_get_uint(&l->r, "uid"),
			(gid_t)state_get_uint(&l->r, "gid"), groups, len / sizeof(gid_t));
	int r = identity != NULL ? load_number(&l->identities, at, identity) : -ENOMEM;

	if (r < 0)
		identity_unref(&l->sup->identities, identity);
	return r;
}

struct identity *load_identity(struct loading *l, const char *name)
{
	return identity_ref(load_numbered(&l->identities, state_get_uint(&l->r, name)));
}

static void forget_identities(struct loading *l)
{
	for (size_t i = 0; i < l->identities.cap; i++)
		identity_unref(&l->sup->identities, l->identities.all[i]);
	free(l->identities.all);
}

/* ---- pools -------------------------------------------------------------------------------- */

static const struct pool_config *find_config(struct loading *l, const char *name)
{
	struct supervisor *sup = l->sup;
	uint64_t at = state_get_uint(&l->r, "config");

	if (at > sup->reload.kept_count)
		return NULL;
	return config_pool(at == 0 ? &sup->config : &sup->reload.kept[at - 1], name);
}

/* It stays as large as it is, whoever has said that, or if it was the machine, which may be another now. */
static int restore_size(struct pool *pool, uint32_t min, uint32_t max)
{
	struct pool_config config = *pool->config;
	bool resized = pool->resized;
	int r;

	config.min = min;
	config.max = max;
	r = pool_set_size(pool, &config);
	pool->resized = resized;
	return r;
}

static int on_pool(struct loading *l)
{
	char *name = state_get_text(&l->r, "name");
	const struct pool_config *config = name != NULL ? find_config(l, name) : NULL;
	int r;

	free(name);
	if (config == NULL)
		return load_fail(l, "a pool has no configuration");
	r = pool_add(l->sup, config, &l->pool);
	if (r < 0)
		return r;
	state_get_fields(&l->r, &state_of_pool, l->pool);
	return restore_size(l->pool, (uint32_t)state_get_uint(&l->r, "min"),
		(uint32_t)state_get_uint(&l->r, "max"));
}

static int on_function(struct loading *l)
{
	struct function function = {.name = state_get_text(&l->r, "name"),
		.params = state_get_text(&l->r, "params"),
		.summary = state_get_text(&l->r, "summary"),
		.plugin = state_get_text(&l->r, "plugin")};
	int r = -ENOMEM;

	if (function.name != NULL)
		function.record =
			records_get(&l->sup->records, function.name, strlen(function.name));
	if (function.record != NULL)
		r = functions_add(&l->pool->functions, &function);
	free(function.name);
	free(function.params);
	free(function.summary);
	free(function.plugin);
	return r;
}

/* The last of the former ones. */
static int add_former(struct pool *pool, struct forkserver **ret)
{
	struct forkserver **at = &pool->former;

	while (*at != NULL)
		at = &(*at)->older;
	*ret = NULL;
	if (forkserver_new(pool, NULL, at) < 0)
		return -ENOMEM;
	*ret = *at;
	return 0;
}

static int on_forkserver(struct loading *l)
{
	struct forkserver *fs = l->pool->forkserver;

	if (state_get_uint(&l->r, "former") != 0 && add_former(l->pool, &fs) < 0)
		return -ENOMEM;
	state_get_fields(&l->r, &state_of_forkserver, fs);
	fs->link = state_get_fd(&l->r, "link");
	state_copy_text(&l->r, "problem", fs->problem, sizeof(fs->problem));
	forkserver_restore(fs);
	return 0;
}

static int on_end(struct loading *l)
{
	l->has_ended = true;
	return 0;
}

/* ---- all of it ---------------------------------------------------------------------------------- */

/* What a record is a part of must have come before it. */
enum needs {
	NOTHING,
	A_CONFIG,
	A_POOL,
	A_SESSION,
	A_TASK,
	A_SLOT,
	A_WAIT,
	AN_OBJECT,
	A_USE,
	A_WANT
};

static const struct kind {
	const char *name;
	int (*load)(struct loading *l);
	enum needs needs;
} kinds[] = {
	{"task", load_task, A_POOL},
	{"plan", load_plan, A_TASK},
	{"handle", load_handle, A_TASK},
	{"ruche", on_ruche, NOTHING},
	{"text", on_text, NOTHING},
	{"config", on_config, NOTHING},
	{"supervisor", on_supervisor, A_CONFIG},
	{"hierarchy", on_hierarchy, A_CONFIG},
	{"dying_group", on_dying_group, A_CONFIG},
	{"listener", on_listener, A_CONFIG},
	{"socket", on_socket, A_CONFIG},
	{"record", on_record, A_CONFIG},
	{"client", on_client, A_CONFIG},
	{"identity", on_identity, A_CONFIG},
	{"pool", on_pool, A_CONFIG},
	{"function", on_function, A_POOL},
	{"forkserver", on_forkserver, A_POOL},
	{"session", load_session, A_CONFIG},
	{"passing", load_passing, A_SESSION},
	{"arena", load_arena, A_SESSION},
	{"slot", load_slot, A_POOL},
	{"entry", load_entry, A_SLOT},
	{"worker", load_worker, A_SLOT},
	{"nested", load_nested, A_SLOT},
	{"wait", load_wait, A_CONFIG},
	{"link", load_link, A_WAIT},
	{"object", load_object, A_CONFIG},
	{"item", load_item, AN_OBJECT},
	{"use", load_use, AN_OBJECT},
	{"unacked", load_unacked, A_USE},
	{"want", load_want, AN_OBJECT},
	{"unput", load_unput, A_WANT},
	{"asker", load_asker, A_CONFIG},
	{"end", on_end, A_POOL},
};

static bool has(const struct loading *l, enum needs needs)
{
	const bool there[] = {[NOTHING] = true,
		[A_CONFIG] = l->configs > 0,
		[A_POOL] = l->pool != NULL,
		[A_SESSION] = l->session != NULL && l->session->arena == NULL,
		[A_TASK] = l->task != NULL,
		[A_SLOT] = l->slot != NULL,
		[A_WAIT] = l->wait != NULL,
		[AN_OBJECT] = l->object != NULL,
		[A_USE] = l->use != NULL,
		[A_WANT] = l->want != NULL};

	return there[needs];
}

static int load_record(struct loading *l)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (state_is(&l->r, kinds[i].name))
			return has(l, kinds[i].needs) ? kinds[i].load(l)
						      : load_fail(l, "its records are in disorder");
	return load_fail(l, "it has a kind of record that this program does not know");
}

static int load_records(struct loading *l)
{
	int r;

	while ((r = state_next(&l->r)) > 0) {
		r = load_record(l);
		if (r == 0)
			r = l->r.error;
		if (r < 0)
			return r;
	}
	return r == 0 && !l->has_ended ? load_fail(l, "the state has no end") : r;
}

/* What can only be said when all is there. */
static int settle(struct supervisor *sup)
{
	struct task *task = NULL;

	for (size_t i = 0; i < sup->pool_count; i++)
		functions_sort(&sup->pools[i]->functions);
	while ((task = task_next(&sup->tasks, task)) != NULL)
		if (timers_watch(sup, task) < 0)
			return -ENOMEM;
	reload_apply_functions(sup);
	return 0;
}

int upgrade_load(struct supervisor *sup, int fd, bool on_trial, char *error, size_t size)
{
	struct loading l = {.sup = sup, .error = error, .error_size = size};
	int r = state_reader_init(&l.r, fd, on_trial);

	error[0] = '\0';
	if (r == 0)
		r = load_records(&l);
	if (r == 0)
		r = settle(sup);
	if (r == 0)
		r = state_keep_fds(&l.r);
	if (r < 0 && error[0] == '\0')
		text_format(error, size, "%s", strerror(-r));
	state_reader_fini(&l.r);
	config_fini(&l.read);
	free(l.clients.all);
	forget_identities(&l);
	free(l.tasks.all);
	return r;
}
