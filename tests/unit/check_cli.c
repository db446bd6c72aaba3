/* SPDX-License-Identifier: MIT */

/* What people type for durations, points of time and signals. */

#include "check_main.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "cli/duration.h"
#include "cli/moment.h"
#include "cli/signals.h"

START_TEST(durations_are_read_with_and_without_units)
{
	static const struct {
		const char *text;
		double seconds;
	} rows[] = {
		{"0", 0},
		{"1.5", 1.5},
		{".5", 0.5},
		{"10s", 10},
		{"500ms", 0.5},
		{"2min", 120},
		{"2m", 120},
		{"1h", 3600},
		{"1.5 h", 5400},
		{"7d", 604800},
	};
	double seconds = -1;

	ck_assert_int_eq(duration_parse(rows[_i].text, &seconds), 0);
	ck_assert_double_eq_tol(seconds, rows[_i].seconds, 1e-9);
}
END_TEST

START_TEST(what_is_no_duration_is_refused)
{
	static const char *const texts[] = {"", "s", "-1", "+1", " 1", "1e3", "0x10", "inf", "nan",
		"1.2.3", "1 s ", "1parsec", "2026-01-01", "."};
	double seconds = 77;

	ck_assert_int_eq(duration_parse(texts[_i], &seconds), -EINVAL);
	ck_assert_double_eq(seconds, 77);
}
END_TEST

START_TEST(milliseconds_are_rounded_up_and_bounded)
{
	ck_assert_int_eq(duration_ms(0), 0);
	ck_assert_int_eq(duration_ms(0.0001), 1);
	ck_assert_int_eq(duration_ms(1.5), 1500);
	ck_assert_int_eq(duration_ms(1e12), INT_MAX);
}
END_TEST

/* The zone is that of the test: an hour east of Greenwich, two in summer. */
static void set_zone(void)
{
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
}

START_TEST(moments_are_read_as_numbers_and_dates)
{
	static const struct {
		const char *text;
		double seconds;
	} rows[] = {
		{"1767225600", 1767225600},
		{"1767225600.25", 1767225600.25},
		{"2026-01-01", 1767222000},
		{"2026-01-01T01:00", 1767225600},
		{"2026-01-01 01:00:05", 1767225605},
		{"2026-01-01T01:00:05.5", 1767225605.5},
		{"2026-07-01T02:00", 1782864000},
		{"2026-01-01T00:00Z", 1767225600},
		{"2026-01-01T00:00:00.5Z", 1767225600.5},
		{"2026-01-01T05:30:00+05:30", 1767225600},
		{"2025-12-31T19:00:00-0500", 1767225600},
	};
	double seconds = -1;

	set_zone();
	ck_assert_int_eq(moment_parse(rows[_i].text, &seconds), 0);
	ck_assert_double_eq_tol(seconds, rows[_i].seconds, 1e-6);
}
END_TEST

START_TEST(what_is_no_moment_is_refused)
{
	static const char *const texts[] = {"", "10", "2min", "1.2.3", "tomorrow", "2026-02-30",
		"2026-13-01", "2026-01-01T25:00", "2026-01-01T01:00:00x", "1812-06-24",
		"2026-01-01.5", "99999999999999", "2026-01-01T00:00ZZ"};
	double seconds = 77;

	set_zone();
	ck_assert_int_eq(moment_parse(texts[_i], &seconds), -EINVAL);
	ck_assert_double_eq(seconds, 77);
}
END_TEST

START_TEST(moments_are_shown_in_local_time)
{
	char text[MOMENT_TEXT_MAX];

	set_zone();
	ck_assert_str_eq(moment_text(text, 1767225605.9), "2026-01-01 01:00:05");
	ck_assert_str_eq(moment_text(text, -1), "?");
	ck_assert_str_eq(moment_text(text, 1e300), "?");
}
END_TEST

START_TEST(signals_are_known_by_name_and_number)
{
	static const struct {
		const char *text;
		int number;
	} rows[] = {{"TERM", SIGTERM}, {"SIGTERM", SIGTERM}, {"sigint", SIGINT}, {"kill", SIGKILL},
		{"9", 9}, {"64", 64}, {"1", 1}};
	int number = -1;

	ck_assert_int_eq(signals_parse(rows[_i].text, &number), 0);
	ck_assert_int_eq(number, rows[_i].number);
}
END_TEST

START_TEST(what_is_no_signal_is_refused)
{
	static const char *const texts[] = {"", "0", "65", "-9", "9x", "SIG", "NOSUCH", "SIG9"};
	int number = 77;

	ck_assert_int_eq(signals_parse(texts[_i], &number), -EINVAL);
	ck_assert_int_eq(number, 77);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli");
	TCase *tcase = tcase_create("words");

	tcase_add_loop_test(tcase, durations_are_read_with_and_without_units, 0, 10);
	tcase_add_loop_test(tcase, what_is_no_duration_is_refused, 0, 14);
	tcase_add_test(tcase, milliseconds_are_rounded_up_and_bounded);
	tcase_add_loop_test(tcase, moments_are_read_as_numbers_and_dates, 0, 11);
	tcase_add_loop_test(tcase, what_is_no_moment_is_refused, 0, 13);
	tcase_add_test(tcase, moments_are_shown_in_local_time);
	tcase_add_loop_test(tcase, signals_are_known_by_name_and_number, 0, 7);
	tcase_add_loop_test(tcase, what_is_no_signal_is_refused, 0, 8);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
