/* SPDX-License-Identifier: MIT */
/* The options of a call: which are taken, and what is read of them. */
#include "check_supervisor.h"

#include <math.h>
#include <msgpack.h>
#include <string.h>

#include <ruche/codes.h>

#include "supervisor/terms.h"
#include "wire/message.h"

enum kind { NIL, INT, NUMBER, SINGLE, TRUTH, TEXT, BIN, TEXTS };

struct value {
	enum kind kind;
	double number;
	const char *text; /* TEXTS: words with blanks between them */
};

static msgpack_sbuffer buffer;
static struct terms terms;
static char error[OPTION_ERROR_MAX];

static void set_up(void)
{
	msgpack_sbuffer_init(&buffer);
}

static void tear_down(void)
{
	msgpack_sbuffer_destroy(&buffer);
}

static void pack_texts(msgpack_packer *pk, const char *words)
{
	size_t count = 0;

	for (const char *at = words; *at != '\0'; at += strcspn(at, " "), at += *at == ' ')
		count++;
	msgpack_pack_array(pk, count);
	for (const char *at = words; *at != '\0'; at += strcspn(at, " "), at += *at == ' ')
		msgpack_pack_str_with_body(pk, at, strcspn(at, " "));
}

static void pack_value(msgpack_packer *pk, const struct value *value)
{
	switch (value->kind) {
	case NIL:
		msgpack_pack_nil(pk);
		break;
	case INT:
		msgpack_pack_int64(pk, (int64_t)value->number);
		break;
	case NUMBER:
		msgpack_pack_double(pk, value->number);
		break;
	case SINGLE:
		msgpack_pack_float(pk, (float)value->number);
		break;
	case TRUTH:
		(value->number != 0 ? msgpack_pack_true : msgpack_pack_false)(pk);
		break;
	case TEXT:
		message_pack_str(pk, value->text);
		break;
	case BIN:
		message_pack_bin(pk, value->text, strlen(value->text));
		break;
	case TEXTS:
		pack_texts(pk, value->text);
		break;
	}
}

static msgpack_packer begin(size_t pairs)
{
	msgpack_packer pk;

	msgpack_sbuffer_clear(&buffer);
	msgpack_packer_init(&pk, &buffer, msgpack_sbuffer_write);
	msgpack_pack_map(&pk, pairs);
	return pk;
}

static int read_terms(void)
{
	return terms_read(&terms, buffer.data, buffer.size, error);
}

static int read_one(const char *key, struct value value)
{
	msgpack_packer pk = begin(1);

	message_pack_str(&pk, key);
	pack_value(&pk, &value);
	return read_terms();
}

/* ---- what is taken and what is not -------------------------------------------------------- */

static const struct {
	const char *key;
	struct value value;
	bool good;
} options[] = {
	{"pool", {TEXT, 0, "video"}, true},
	{"pool", {TEXT, 0, ""}, false},
	{"pool", {INT, 1, NULL}, false},
	{"pool", {NIL, 0, NULL}, false},
	{"priority", {INT, -10, NULL}, true},
	{"priority", {INT, 10, NULL}, true},
	{"priority", {INT, -11, NULL}, false},
	{"priority", {INT, 11, NULL}, false},
	{"priority", {INT, 9.2e18, NULL}, false},
	{"priority", {INT, -9.2e18, NULL}, false},
	{"priority", {NUMBER, 1, NULL}, false},
	{"priority", {TEXT, 0, "1"}, false},
	{"timeout", {INT, 1, NULL}, true},
	{"timeout", {NUMBER, 0.001, NULL}, true},
	{"timeout", {SINGLE, 0.5, NULL}, true},
	{"timeout", {INT, 0, NULL}, false},
	{"timeout", {NUMBER, 0, NULL}, false},
	{"timeout", {INT, -1, NULL}, false},
	{"timeout", {NUMBER, -0.5, NULL}, false},
	{"timeout", {NUMBER, NAN, NULL}, false},
	{"timeout", {NUMBER, INFINITY, NULL}, false},
	{"timeout", {NUMBER, 1e300, NULL}, false},
	{"timeout", {INT, 9e18, NULL}, false},
	{"timeout", {TEXT, 0, "1"}, false},
	{"timeout", {TRUTH, 1, NULL}, false},
	{"timeout", {NIL, 0, NULL}, false},
	{"deadline", {NUMBER, 1.7e9, NULL}, true},
	{"deadline", {INT, 0, NULL}, true},
	{"deadline", {INT, -1, NULL}, false},
	{"deadline", {TEXT, 0, "now"}, false},
	{"expires", {NUMBER, 0.1, NULL}, true},
	{"expires", {INT, 0, NULL}, false},
	{"expires", {INT, -1, NULL}, false},
	{"delay", {INT, 0, NULL}, true},
	{"delay", {NUMBER, 3600.5, NULL}, true},
	{"delay", {NUMBER, -0.1, NULL}, false},
	{"delay", {TEXTS, 0, "1"}, false},
	{"at", {INT, 1700000000, NULL}, true},
	{"at", {INT, -1, NULL}, false},
	{"attempts", {INT, 1, NULL}, true},
	{"attempts", {INT, 100, NULL}, true},
	{"attempts", {INT, 0, NULL}, false},
	{"attempts", {INT, 101, NULL}, false},
	{"attempts", {INT, -1, NULL}, false},
	{"attempts", {NUMBER, 2, NULL}, false},
	{"retry_on", {TEXT, 0, "crashed"}, true},
	{"retry_on", {TEXT, 0, "timeout"}, true},
	{"retry_on", {TEXT, 0, "failed"}, true},
	{"retry_on", {TEXTS, 0, "failed timeout crashed"}, true},
	{"retry_on", {TEXTS, 0, "failed failed"}, true},
	{"retry_on", {TEXTS, 0, ""}, false},
	{"retry_on", {TEXTS, 0, "failed cancelled"}, false},
	{"retry_on", {TEXT, 0, "cancelled"}, false},
	{"retry_on", {TEXT, 0, "crash"}, false},
	{"retry_on", {INT, 4, NULL}, false},
	{"backoff", {INT, 0, NULL}, true},
	{"backoff", {NUMBER, 1.5, NULL}, true},
	{"backoff", {INT, -1, NULL}, false},
	{"key", {TEXT, 0, "k"}, true},
	{"key", {TEXT, 0, ""}, false},
	{"key", {BIN, 0, "k"}, false},
	{"key", {INT, 7, NULL}, false},
	{"key_window", {INT, 0, NULL}, true},
	{"key_window", {INT, -1, NULL}, false},
	{"keep", {INT, 0, NULL}, true},
	{"keep", {NUMBER, 86400, NULL}, true},
	{"keep", {INT, -1, NULL}, false},
	{"detach", {TRUTH, 1, NULL}, true},
	{"detach", {TRUTH, 0, NULL}, true},
	{"detach", {INT, 1, NULL}, false},
	{"wait", {TRUTH, 0, NULL}, true},
	{"wait", {TEXT, 0, "no"}, false},
	{"process", {TRUTH, 1, NULL}, true},
	{"process", {TEXT, 0, "true"}, false},
	{"tag", {TEXT, 0, "for people"}, true},
	{"tag", {TEXT, 0, ""}, false},
	{"tag", {TEXTS, 0, "a b"}, false},
};

START_TEST(option_is_taken_or_refused_by_its_name)
{
	int r = read_one(options[_i].key, options[_i].value);

	ck_assert_int_eq(r == 0, options[_i].good);
	if (r < 0)
		ck_assert_ptr_nonnull(strstr(error, options[_i].key));
}
END_TEST

/* Each of them, no two with the same value; the last one excludes another. */
static const struct {
	const char *key;
	struct value value;
} all_options[] = {
	{"pool", {TEXT, 0, "video"}},
	{"priority", {INT, -7, NULL}},
	{"timeout", {NUMBER, 1.5, NULL}},
	{"deadline", {NUMBER, 2.5, NULL}},
	{"expires", {NUMBER, 3.5, NULL}},
	{"delay", {SINGLE, 4.5, NULL}},
	{"attempts", {INT, 9, NULL}},
	{"retry_on", {TEXTS, 0, "failed timeout"}},
	{"backoff", {NUMBER, 5.5, NULL}},
	{"key", {TEXT, 0, "mine"}},
	{"key_window", {INT, 6, NULL}},
	{"keep", {NUMBER, 7.5, NULL}},
	{"detach", {TRUTH, 1, NULL}},
	{"wait", {TRUTH, 0, NULL}},
	{"process", {TRUTH, 1, NULL}},
	{"tag", {TEXT, 0, "people"}},
	{"at", {NUMBER, 8.5, NULL}},
};

START_TEST(every_option_is_tested_with_good_and_bad_values)
{
	for (size_t k = 0; k < COUNT(all_options); k++) {
		bool good = false, bad = false;

		for (size_t i = 0; i < COUNT(options); i++)
			if (strcmp(options[i].key, all_options[k].key) == 0)
				*(options[i].good ? &good : &bad) = true;
		ck_assert(good && bad);
	}
}
END_TEST

START_TEST(text_may_have_255_bytes_and_no_more)
{
	static const char *const keys[] = {"key", "tag", "pool"};
	char text[257];

	memset(text, 'x', sizeof(text));
	text[256] = '\0';
	for (size_t i = 0; i < COUNT(keys); i++) {
		ck_assert_int_lt(read_one(keys[i], (struct value){TEXT, 0, text}), 0);
		ck_assert_int_eq(read_one(keys[i], (struct value){TEXT, 0, text + 1}), 0);
	}
}
END_TEST

START_TEST(option_that_is_not_known_is_named)
{
	ck_assert_int_lt(read_one("timeuot", (struct value){INT, 1, NULL}), 0);
	ck_assert_ptr_nonnull(strstr(error, "'timeuot'"));
	ck_assert_int_lt(read_one("", (struct value){INT, 1, NULL}), 0);
}
END_TEST

START_TEST(key_that_is_no_text_is_refused)
{
	msgpack_packer pk = begin(1);

	msgpack_pack_int(&pk, 1);
	msgpack_pack_int(&pk, 1);
	ck_assert_int_lt(read_terms(), 0);
}
END_TEST

static void pack_int(msgpack_packer *pk, const char *key, int value)
{
	message_pack_str(pk, key);
	msgpack_pack_int(pk, value);
}

START_TEST(delay_and_at_exclude_each_other)
{
	msgpack_packer pk = begin(2);

	pack_int(&pk, "delay", 1);
	pack_int(&pk, "at", 1);
	ck_assert_int_lt(read_terms(), 0);
	ck_assert_ptr_nonnull(strstr(error, "'delay' and 'at'"));
}
END_TEST

START_TEST(first_bad_option_of_many_is_told)
{
	msgpack_packer pk = begin(3);

	pack_int(&pk, "timeout", 1);
	pack_int(&pk, "attempts", 0);
	pack_int(&pk, "bogus", 0);
	ck_assert_int_lt(read_terms(), 0);
	ck_assert_ptr_nonnull(strstr(error, "'attempts'"));
}
END_TEST

START_TEST(nothing_asked_for_is_the_defaults)
{
	static const uint8_t nil[] = {0xc0}, empty[] = {0x80};

	ck_assert_int_eq(terms_read(&terms, nil, 1, error), 0);
	ck_assert_int_eq(terms_read(&terms, empty, 1, error), 0);
	ck_assert(terms.key.text == NULL && terms.tag.text == NULL && terms.pool.text == NULL);
	ck_assert_int_eq(terms.priority, 0);
	ck_assert_int_eq(terms.attempts, 1);
	ck_assert(terms.wait);
	ck_assert(!terms.detach && !terms.process);
	ck_assert(terms.keep < 0 && terms.key_window < 0);
	ck_assert(!terms_need_plan(&terms));
}
END_TEST

START_TEST(what_is_no_map_is_refused)
{
	static const uint8_t values[][3] = {{0x90}, {0x01}, {0xa1, 'x'}, {0xc3}, {0xc4, 0x00}};

	for (size_t i = 0; i < COUNT(values); i++)
		ck_assert_int_lt(terms_read(&terms, values[i], sizeof(values[i]), error), 0);
}
END_TEST

/* Each of six bytes, after the three of the map's head. */
static int read_good_ones(size_t pairs)
{
	msgpack_packer pk = begin(pairs);

	while (pairs-- > 0) {
		message_pack_str(&pk, "wait");
		msgpack_pack_false(&pk);
	}
	return read_terms();
}

START_TEST(options_of_more_than_16_kilobytes_are_not_looked_at)
{
	ck_assert_int_eq(read_good_ones(2730), 0);
	ck_assert(!terms.wait);
	ck_assert_int_lt(read_good_ones(2731), 0);
	ck_assert(terms.wait);
}
END_TEST

static void pack_all_but_the_last(void)
{
	msgpack_packer pk = begin(COUNT(all_options) - 1);

	for (size_t i = 0; i < COUNT(all_options) - 1; i++) {
		message_pack_str(&pk, all_options[i].key);
		pack_value(&pk, &all_options[i].value);
	}
}

START_TEST(every_option_is_read_into_its_own_place)
{
	pack_all_but_the_last();
	ck_assert_int_eq(read_terms(), 0);
	ck_assert_mem_eq(terms.pool.text, "video", terms.pool.len);
	ck_assert_mem_eq(terms.key.text, "mine", terms.key.len);
	ck_assert_mem_eq(terms.tag.text, "people", terms.tag.len);
	ck_assert_uint_eq(terms.pool.len * 100 + terms.key.len * 10 + terms.tag.len, 546);
	ck_assert_int_eq(terms.priority, -7);
	ck_assert_int_eq(terms.attempts, 9);
	ck_assert_double_eq(terms.timeout, 1.5);
	ck_assert_double_eq(terms.deadline, 2.5);
	ck_assert_double_eq(terms.expires, 3.5);
	ck_assert_double_eq(terms.delay, 4.5);
	ck_assert_double_eq(terms.backoff, 5.5);
	ck_assert_double_eq(terms.key_window, 6);
	ck_assert_double_eq(terms.keep, 7.5);
	ck_assert_uint_eq(terms.retry_on, 1U << RUCHE_FAILED | 1U << RUCHE_TIMEOUT);
	ck_assert(terms.detach && terms.process && !terms.wait && terms.at < 0);
	ck_assert_int_eq(read_one("at", (struct value){NUMBER, 8.5, NULL}), 0);
	ck_assert_double_eq(terms.at, 8.5);
	ck_assert(terms.delay < 0);
}
END_TEST

START_TEST(texts_lie_in_the_request)
{
	ck_assert_int_eq(read_one("key", (struct value){TEXT, 0, "what"}), 0);
	ck_assert(terms.key.text >= buffer.data);
	ck_assert(terms.key.text < buffer.data + buffer.size);
	ck_assert_uint_eq(terms.key.len, 4);
}
END_TEST

void add_supervisor_terms(Suite *suite)
{
	TCase *tc = tcase_create("terms");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, option_is_taken_or_refused_by_its_name, 0, COUNT(options));
	tcase_add_test(tc, every_option_is_tested_with_good_and_bad_values);
	tcase_add_test(tc, text_may_have_255_bytes_and_no_more);
	tcase_add_test(tc, option_that_is_not_known_is_named);
	tcase_add_test(tc, key_that_is_no_text_is_refused);
	tcase_add_test(tc, delay_and_at_exclude_each_other);
	tcase_add_test(tc, first_bad_option_of_many_is_told);
	tcase_add_test(tc, nothing_asked_for_is_the_defaults);
	tcase_add_test(tc, what_is_no_map_is_refused);
	tcase_add_test(tc, options_of_more_than_16_kilobytes_are_not_looked_at);
	tcase_add_test(tc, every_option_is_read_into_its_own_place);
	tcase_add_test(tc, texts_lie_in_the_request);
	suite_add_tcase(suite, tc);
}
