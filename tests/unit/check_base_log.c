/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base */
#include "../lib/test.h"

#include "base/log.h"

static int ends[2];
static int kept;

/* stderr goes into a pipe, so that the test reads it. */
static void setup(void)
{
	kept = dup(STDERR_FILENO);
	ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
	dup2(ends[1], STDERR_FILENO);
}

static void teardown(void)
{
	dup2(kept, STDERR_FILENO);
	close(kept);
	close(ends[0]);
	close(ends[1]);
}

static const char *logged(void)
{
	static char text[1 << 14];
	ssize_t n = read(ends[0], text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

FIXTURE(setup, teardown);

TEST(each_level_has_its_prefix)
{
	log_init("kfarmd", LOG_DEBUG);
	log_error("a %d", 1);
	ck_assert_str_eq(logged(), "kfarmd: a 1\n");
	log_warning("b");
	ck_assert_str_eq(logged(), "kfarmd: warning: b\n");
	log_info("c");
	ck_assert_str_eq(logged(), "kfarmd: c\n");
	log_debug("d");
	ck_assert_str_eq(logged(), "kfarmd: debug: d\n");
}

TEST(messages_above_the_level_are_dropped)
{
	log_init("kfarm", LOG_WARNING);
	log_info("no");
	log_debug("no");
	ck_assert_str_eq(logged(), "");
	log_warning("yes");
	ck_assert_str_eq(logged(), "kfarm: warning: yes\n");
}

TEST(control_characters_in_a_line_are_replaced)
{
	log_init("kfarm", LOG_INFO);
	log_error("\033c\xc2\x9b %s", "\xe2\x82\xac\tx");
	ck_assert_str_eq(logged(), "kfarm: ?c?? \xe2\x82\xac\tx\n");
}

TEST(a_newline_is_printed_as_a_blank_in_single_line_mode)
{
	log_init("kfarmd", LOG_INFO);
	log_error("a\n%s", "b\tc\nkfarmd: d");
	ck_assert_str_eq(logged(), "kfarmd: a\nb\tc\nkfarmd: d\n");
	log_set_single_line();
	log_error("a\n%s", "b\tc\nkfarmd: d");
	ck_assert_str_eq(logged(), "kfarmd: a b\tc kfarmd: d\n");
}

TEST(a_truncated_line_ends_with_a_newline)
{
	const char *text;
	char big[5000];

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	log_init("kfarm", LOG_INFO);
	log_error("%s", big);
	text = logged();
	ck_assert_uint_gt(strlen(text), 1000);
	ck_assert_uint_le(strlen(text), 2048);
	ck_assert_int_eq(text[strlen(text) - 1], '\n');
}

TEST(errno_is_preserved_even_if_the_log_cannot_be_written)
{
	log_init("kfarm", LOG_INFO);
	errno = ENOENT;
	log_error("x");
	ck_assert_int_eq(errno, ENOENT);
	close(STDERR_FILENO);
	errno = ENOENT;
	log_error("x");
	ck_assert_int_eq(errno, ENOENT);
}

static void on_line(void *ctx, const char *line)
{
	snprintf(ctx, 100, "%s", line);
}

TEST(lines_are_passed_to_the_sink_instead_of_stderr)
{
	char got[100] = "";

	log_init("kfarm", LOG_INFO);
	log_set_sink(on_line, got);
	log_warning("a\033");
	log_debug("no");
	ck_assert_str_eq(got, "kfarm: warning: a?");
	ck_assert_str_eq(logged(), "");
	log_set_sink(NULL, NULL);
	log_warning("b");
	ck_assert_str_eq(got, "kfarm: warning: a?");
	ck_assert_str_eq(logged(), "kfarm: warning: b\n");
}
