/* SPDX-License-Identifier: MIT */
#ifndef CORE_ACCESS_H
#define CORE_ACCESS_H

/*
 * Who may do what: the sections [allow NAME] as rules, and what they come to for one identity.
 *
 * With no rule at all everybody may call every function and run every command, and administrate nothing.
 * With one or more, an identity has what the rules that match it give together, and nothing else: a rule only
 * gives, it never takes.  Masters (root, and the daemon's own user) may do everything in either case.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { ACCESS_RULES_MAX = 64, ACCESS_LIST_MAX = 4096 };

#define ACCESS_NOT_SAID UINT64_MAX

/* What is not for everybody, a bit for each. */
enum access_method {
	ACCESS_RELOAD = 1 << 0,
	ACCESS_PAUSE = 1 << 1,
	ACCESS_RESUME = 1 << 2,
	ACCESS_DRAIN = 1 << 3,
	ACCESS_RESIZE = 1 << 4,
	ACCESS_RELEASE = 1 << 5,
	ACCESS_TASKS = 1 << 6, /* everybody's, as if they were one's own */
	ACCESS_UPGRADE = 1 << 7,
	ACCESS_ADMIN = (1 << 8) - 1
};

struct access_word {
	const char *name;
	unsigned methods;
};

/* "reload", …, and "admin" for all of them; ends with a row without a name. */
extern const struct access_word access_words[];

/* Patterns as fnmatch(3) has them; owned. */
struct access_patterns {
	char **all;
	size_t count;
};

/* [allow NAME] */
struct access_rule {
	char *name;
	/* Whom it means: any of these. */
	bool everybody;
	uid_t *uids;
	size_t uid_count;
	gid_t *gids;
	size_t gid_count;
	/* What it gives. */
	struct access_patterns functions; /* FUNCTION, or POOL/FUNCTION */
	struct access_patterns commands;  /* programs, as argv[0] has them */
	bool any_command;                 /* with any environment */
	unsigned methods;
	struct access_patterns pools; /* only in these; none: in all */
	/* In the place of [limits]; ACCESS_NOT_SAID: that counts. */
	uint64_t user_tasks, user_bytes, user_running;
};

/* 0 or -ENOMEM; good for the other one in both cases. */
int access_rule_init(struct access_rule *rule, const char *name);
void access_rule_fini(struct access_rule *rule);

/* Add one.  0, -ENOSPC (there are ACCESS_LIST_MAX) or -ENOMEM. */
int access_add_uid(struct access_rule *rule, uid_t uid);
int access_add_gid(struct access_rule *rule, gid_t gid);
int access_add_pattern(struct access_patterns *patterns, const char *text, size_t len);
void access_clear_patterns(struct access_patterns *patterns);

struct access_policy {
	struct access_rule *rules;
	size_t count;
};

/* Somebody as the kernel knows them; `groups` are the supplementary ones. */
struct access_subject {
	uid_t uid;
	gid_t gid;
	const gid_t *groups;
	size_t group_count;
	bool master;
};

/* What a policy comes to for one subject.  Good as long as the policy. */
struct access_rights {
	const struct access_policy *policy;
	uint64_t rules; /* those that match, a bit for each */
	bool any;       /* there is something that it may do */
	bool master;
	bool all_calls; /* every function and every command, wherever */
	uint64_t user_tasks, user_bytes,
		user_running; /* the largest that is given, or ACCESS_NOT_SAID */
};

struct access_rights access_find(
	const struct access_policy *policy, const struct access_subject *subject);

bool access_may_call(const struct access_rights *rights, const char *pool, const char *function);

/*
 * How a program may be run.  A pattern of programs is worth nothing to whoever can choose what the program
 * loads, so such a program runs with the environment of its worker, or with none.
 */
enum access_command { ACCESS_COMMAND_NO, ACCESS_COMMAND_PLAIN, ACCESS_COMMAND_ANY };

enum access_command access_may_run(
	const struct access_rights *rights, const char *pool, const char *program);

/* Anything at all in this pool: a function, a command or a method. */
bool access_may_use(const struct access_rights *rights, const char *pool);

/* It is about a pool, or all of them. */
bool access_is_of_pools(enum access_method method);

/* `pool` is the one that a method is about; NULL: all of them, or it is about none. */
bool access_may(const struct access_rights *rights, enum access_method method, const char *pool);

#endif
