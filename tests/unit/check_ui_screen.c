/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: ui */
#include "../lib/test.h"

#include "ui/screen.h"

#include "ui-canvas.h"

#include "base/clock.h"
#include "base/terminal.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

#define ROWS    24
#define COLUMNS 80

static int master, slave;
static struct ui_screen *s;
static struct ui_canvas c;
static struct buf got; /* all output to the terminal */

static void set_size(unsigned short rows, unsigned short columns)
{
	struct winsize size = { .ws_row = rows, .ws_col = columns };

	ck_assert_int_eq(ioctl(master, TIOCSWINSZ, &size), 0);
}

static void set_up(void)
{
	master = posix_openpt(O_RDWR | O_NOCTTY);
	ck_assert_int_ge(master, 0);
	ck_assert(!grantpt(master) && !unlockpt(master));
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	ck_assert_int_ge(slave, 0);
	set_size(ROWS, COLUMNS);
	setenv("TERM", "xterm-256color", 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	ui_canvas_init(&c, ROWS, COLUMNS, false);
}

static void tear_down(void)
{
	ui_screen_free(s);
	s = NULL;
	ui_canvas_release(&c);
	buf_release(&got);
	if (slave >= 0)
		close(slave);
	if (master >= 0)
		close(master);
}

static void begin(bool color)
{
	struct err err = { 0 };

	must(ui_screen_new(&s, slave, slave, color, &err));
}

/* Return all output so far. */
static const char *screen_got(void)
{
	struct pollfd fd = { .fd = master, .events = POLLIN };
	char block[4096];

	buf_reset(&got);
	while (poll(&fd, 1, 50) > 0 && (fd.revents & POLLIN)) {
		ssize_t n = read(master, block, sizeof(block));

		if (n <= 0)
			break;
		buf_add(&got, block, (size_t)n);
	}
	return buf_str(&got);
}

static void expect_has(const char *text)
{
	ck_assert_msg(strstr(buf_str(&got), text), "no %s", text);
}

static void expect_lacks(const char *text)
{
	ck_assert_msg(!strstr(buf_str(&got), text), "it has %s", text);
}

static struct termios modes(void)
{
	struct termios now;

	ck_assert_int_eq(tcgetattr(slave, &now), 0);
	return now;
}

static bool same_modes(const struct termios *a, const struct termios *b)
{
	return a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag &&
	       a->c_cflag == b->c_cflag && a->c_lflag == b->c_lflag &&
	       !memcmp(a->c_cc, b->c_cc, sizeof(a->c_cc));
}

FIXTURE(set_up, tear_down);
TIMEOUT(60);

TEST(a_screen_that_is_not_entered_leaves_the_terminal_unchanged)
{
	struct termios before = modes(), now;

	begin(true);
	canvas_put(&c, 0, 0, 0, UI_STYLE_NORMAL, "hello");
	ui_screen_show(s, &c);
	ck_assert_str_eq(screen_got(), "");
	now = modes();
	ck_assert(same_modes(&before, &now));
}

TEST(leaving_the_screen_restores_the_terminal)
{
	struct termios before = modes(), now;

	begin(true);
	for (int i = 0; i < 3; i++) {
		ck_assert(ui_screen_enter(s));
		now = modes();
		ck_assert(!(now.c_lflag & (ICANON | ECHO)));
		ck_assert(now.c_lflag & ISIG);
		canvas_put(&c, 3, 5, 0, UI_STYLE_NORMAL, "hello");
		ui_screen_show(s, &c);
		screen_got();
		expect_has("\033[?1049h");
		expect_has("\033[?25l");
		expect_has("hello");
		ui_screen_leave(s);
		screen_got();
		expect_has("\033[?1049l");
		expect_has("\033[?25h");
		now = modes();
		ck_assert(same_modes(&before, &now));
	}
	ui_screen_free(s);
	s = NULL;
	ck_assert_str_eq(screen_got(), "");
}

TEST(only_changed_characters_are_written)
{
	begin(true);
	ck_assert(ui_screen_enter(s));
	canvas_put(&c, 3, 5, 0, UI_STYLE_NORMAL, "hello");
	ui_screen_show(s, &c);
	screen_got();
	ck_assert_uint_lt(got.len, 300);
	ui_screen_show(s, &c);
	ck_assert_str_eq(screen_got(), "");
	canvas_put(&c, 3, 9, 0, UI_STYLE_NORMAL, "!");
	ui_screen_show(s, &c);
	screen_got();
	expect_has("!");
	expect_lacks("hell");
	ck_assert_uint_lt(got.len, 20);
	/* Another program has written to the terminal: repaint everything. */
	ui_screen_repaint(s);
	ui_screen_show(s, &c);
	screen_got();
	expect_has("hell!");
}

TEST_RANGE(colours_are_written_only_if_requested, 0, 2)
{
	begin(_i);
	ck_assert(ui_screen_enter(s));
	canvas_put(&c, 0, 0, 0, UI_STYLE_BAD, "bad");
	canvas_put(&c, 1, 0, 0, UI_STYLE_SELECTED, "this");
	ui_screen_show(s, &c);
	screen_got();
	expect_has("7m"); /* reverse is not a colour */
	if (_i)
		expect_has("38;5;203m");
	else
		expect_lacks("[3");
}

TEST(a_terminal_with_8_colours_gets_basic_colours)
{
	setenv("TERM", "xterm", 1);
	begin(true);
	ck_assert(ui_screen_enter(s));
	canvas_put(&c, 0, 0, 0, UI_STYLE_BAD, "bad");
	ui_screen_show(s, &c);
	screen_got();
	expect_has("[31m");
	expect_lacks("38;5");
}

/* The locale's variables, and whether it uses UTF-8. */
static const struct {
	const char *all, *ctype, *lang;
	bool utf8;
} locales[] = {
	{ "C.UTF-8", NULL, NULL, true },
	{ "C", "C.UTF-8", "C.UTF-8", false },
	{ NULL, "C.UTF-8", "C", true },
	{ NULL, NULL, "C.UTF-8", true },
	{ NULL, NULL, NULL, false },
	/* A locale that is not installed. */
	{ NULL, NULL, "xx_YY.UTF-8", true },
	{ "xx_YY.utf8", NULL, NULL, true },
	{ "xx_YY.ISO-8859-1", NULL, "C.UTF-8", false },
};

static void set_variable(const char *name, const char *value)
{
	if (value)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

TEST_EACH(the_locale_determines_the_character_set, locales)
{
	set_variable("LC_ALL", row->all);
	set_variable("LC_CTYPE", row->ctype);
	set_variable("LANG", row->lang);
	begin(true);
	ck_assert_int_eq(ui_screen_is_utf8(s), row->utf8);
	ck_assert(ui_screen_enter(s));
	canvas_put(&c, 0, 0, 0, UI_STYLE_NORMAL, "<\u2500\u6f22e\u0301>");
	ui_screen_show(s, &c);
	screen_got();
	if (row->utf8)
		expect_has("<\u2500\u6f22e\u0301>");
	else
		for (size_t i = 0; i < got.len; i++)
			ck_assert_uint_lt(got.data[i], 0x80);
}

TEST(overwriting_half_of_a_wide_character_clears_the_other_half)
{
	begin(false);
	ck_assert(ui_screen_enter(s));
	canvas_put(&c, 0, 0, 0, UI_STYLE_NORMAL, "\u6f22\u6f22\u6f22|");
	ui_screen_show(s, &c);
	screen_got();
	expect_has("\u6f22\u6f22\u6f22|");
	canvas_put(&c, 0, 1, 0, UI_STYLE_NORMAL, "ab");
	ui_screen_show(s, &c);
	ui_screen_repaint(s);
	screen_got();
	ui_screen_show(s, &c);
	screen_got();
	expect_has(" ab \u6f22|");
}

TEST(the_screen_follows_changes_of_the_terminal_size)
{
	static const unsigned short sizes[][2] = {
		{ 50, 132 }, { 1, 1 }, { 10, 40 }, { 300, 500 }, { 24, 80 },
	};

	begin(true);
	ck_assert(ui_screen_enter(s));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		unsigned rows, columns;

		set_size(sizes[i][0], sizes[i][1]);
		ui_screen_size(s, &rows, &columns);
		ck_assert_uint_eq(rows, sizes[i][0]);
		ck_assert_uint_eq(columns, sizes[i][1]);
		ui_canvas_resize(&c, rows, columns);
		canvas_put(&c, rows - 1, columns - 1, 0, UI_STYLE_NORMAL, "x");
		ui_screen_show(s, &c);
		screen_got();
		expect_has("x");
		ui_screen_show(s, &c);
		ck_assert_str_eq(screen_got(), "");
	}
}

/*
 * Change all characters, so that an update has several hundred kilobytes.
 */
static void show_noise(unsigned seed)
{
	for (unsigned row = 0; row < c.rows; row++) {
		for (unsigned i = 0; i < c.columns; i++) {
			char text[2] = { (char)('a' + seed % 26) };

			seed = seed * 1664525 + 1013904223;
			canvas_put(&c, row, i, 1, (seed >> 8) % UI_STYLES,
				   text);
		}
	}
	ui_screen_show(s, &c);
}

TEST(output_to_a_blocked_terminal_does_not_block)
{
	uint64_t began;
	size_t total = 0;

	begin(true);
	set_size(200, 300);
	ui_canvas_resize(&c, 200, 300);
	ck_assert(ui_screen_enter(s));
	began = clock_ms();
	show_noise(1);
	ck_assert(!ui_screen_ready(s));
	ck_assert_uint_lt(clock_ms() - began, 30000);
	/* The terminal reads again and receives everything. */
	for (int i = 0; i < 1000 && !ui_screen_ready(s); i++)
		total += strlen(screen_got());
	total += strlen(screen_got());
	ck_assert(ui_screen_ready(s));
	ck_assert_uint_gt(total, 200 * 300);
	ck_assert_int_eq(ui_screen_error(s), 0);
}

TEST(leaving_a_blocked_terminal_does_not_wait_for_its_output)
{
	uint64_t began;
	size_t total = 0;
	bool left = false;

	begin(true);
	set_size(200, 300);
	ui_canvas_resize(&c, 200, 300);
	ck_assert(ui_screen_enter(s));
	show_noise(2);
	began = clock_ms();
	ui_screen_leave(s);
	ck_assert_uint_lt(clock_ms() - began, 30000);
	ck_assert(modes().c_lflag & ECHO);
	ck_assert(!ui_screen_ready(s));
	for (int i = 0; i < 1000 && !ui_screen_ready(s); i++) {
		total += strlen(screen_got());
		left |= strstr(buf_str(&got), "\033[?1049l") != NULL;
	}
	total += strlen(screen_got());
	left |= strstr(buf_str(&got), "\033[?1049l") != NULL;
	ck_assert(left && ui_screen_ready(s));
	ck_assert_uint_gt(total, 200 * 300);
}

TEST_RANGE(a_closed_terminal_causes_eio, 0, 2)
{
	unsigned wait_ms;
	uint32_t key;

	begin(true);
	ck_assert(ui_screen_enter(s));
	close(master);
	master = -1;
	if (_i) {
		ck_assert(!ui_screen_key(s, &key, &wait_ms));
	} else {
		canvas_put(&c, 0, 0, 0, UI_STYLE_NORMAL, "x");
		ui_screen_show(s, &c);
		ck_assert(ui_screen_ready(s));
	}
	ck_assert_int_eq(ui_screen_error(s), EIO);
}

TEST(typed_bytes_are_decoded_into_keys_without_echo)
{
	static const char typed[] = "q\033OA\033[6~\xc3\xa4";
	static const uint32_t keys[] = { 'q', UI_KEY_UP, UI_KEY_PAGE_DOWN,
					 0xe4 };
	unsigned wait_ms;
	uint32_t key;

	begin(true);
	ck_assert(ui_screen_enter(s));
	ck_assert(!ui_screen_key(s, &key, &wait_ms));
	ck_assert_int_eq(write(master, typed, sizeof(typed) - 1),
			 sizeof(typed) - 1);
	for (size_t i = 0; i < 4; i++) {
		ck_assert(ui_screen_key(s, &key, &wait_ms));
		ck_assert_uint_eq(key, keys[i]);
	}
	ck_assert(!ui_screen_key(s, &key, &wait_ms));
	ck_assert_uint_eq(wait_ms, 0);
	/* The terminal does not echo. */
	ck_assert_str_eq(screen_got(), "");
}

/* The modes that a program leaves if it is killed with the screen open. */
TEST(terminal_modes_left_by_a_killed_program_are_repaired)
{
	struct termios broken = modes();

	cfmakeraw(&broken);
	ck_assert_int_eq(tcsetattr(slave, TCSANOW, &broken), 0);
	begin(true);
	ck_assert(ui_screen_enter(s));
	ui_screen_leave(s);
	ck_assert(modes().c_lflag & ICANON);
	ck_assert(modes().c_lflag & ECHO);
	ck_assert(modes().c_lflag & ISIG);
	ck_assert(modes().c_oflag & OPOST);
	ck_assert(modes().c_iflag & ICRNL);
}

static void *handler_of(int number)
{
	struct sigaction now;

	ck_assert_int_eq(sigaction(number, NULL, &now), 0);
	return (void *)now.sa_handler;
}

TEST(signal_handlers_are_left_unchanged)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGTSTP, SIGWINCH,
				       SIGCONT };
	void *before[5];

	for (int i = 0; i < 5; i++)
		before[i] = handler_of(numbers[i]);
	begin(true);
	ck_assert(ui_screen_enter(s));
	canvas_put(&c, 0, 0, 0, UI_STYLE_NORMAL, "x");
	ui_screen_show(s, &c);
	for (int i = 0; i < 5; i++)
		ck_assert_ptr_eq(handler_of(numbers[i]), before[i]);
	ui_screen_leave(s);
	for (int i = 0; i < 5; i++)
		ck_assert_ptr_eq(handler_of(numbers[i]), before[i]);
}

TEST(a_terminal_type_without_a_size_is_accepted)
{
	setenv("TERM", "linux", 1);
	unsetenv("LINES");
	unsetenv("COLUMNS");
	begin(true);
	ck_assert(ui_screen_enter(s));
	canvas_put(&c, ROWS - 1, COLUMNS - 6, 0, UI_STYLE_NORMAL, "hello");
	ui_screen_show(s, &c);
	screen_got();
	expect_has("hello");
}

/* The value of TERM, the resulting error and a part of its text. */
static const struct {
	const char *term;
	int ret;
	const char *text;
} bad_terms[] = {
	{ NULL, -ENOENT, "TERM is not set" },
	{ "", -ENOENT, "TERM is not set" },
	{ "nosuch", -ENOENT, "\"nosuch\"" },
	{ "dumb", -ENOSYS, "\"dumb\"" },
	{ "unknown", -ENOENT, "\"unknown\"" },
};

TEST_EACH(an_unusable_term_variable_is_reported, bad_terms)
{
	struct err err = { 0 };

	set_variable("TERM", row->term);
	ck_assert_int_eq(ui_screen_new(&s, slave, slave, true, &err), row->ret);
	ck_assert_msg(strstr(err.text, row->text), "%s", err.text);
	ck_assert_ptr_null(s);
	ck_assert_str_eq(screen_got(), "");
}

TEST(a_pipe_is_rejected_as_a_terminal)
{
	struct err err = { 0 };
	int ends[2];

	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(ui_screen_new(&s, ends[0], slave, true, &err),
			 -ENOTTY);
	ck_assert_msg(strstr(err.text, "standard input"), "%s", err.text);
	ck_assert_int_eq(ui_screen_new(&s, slave, ends[1], true, &err),
			 -ENOTTY);
	ck_assert_msg(strstr(err.text, "standard error"), "%s", err.text);
	close(ends[0]);
	close(ends[1]);
}
