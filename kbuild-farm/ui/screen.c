/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ncurses is given a file in memory as its terminal, so it sees none: the
 * modes, the size and the keys of the real one are ours.  It compares each
 * picture with the one before and writes what leads from one to the other;
 * and because that costs it some 0.1 us for each cell that it is told, it is
 * told only those that changed.
 */
#include "ui/screen.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/outlet.h"
#include "base/printable.h"
#include "base/str.h"
#include "base/terminal.h"
#include "ui/input.h"
#include "ui/locale.h"

#define NCURSES_NOMACROS
#include <curses.h>
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

/* <term.h> takes these for itself. */
#undef columns
#undef lines

#define LAST_MS     300 /* for a terminal that is slow, when it is left */
#define OUTPUT_MAX  (64u << 20) /* of one picture */
#define COLORS_FEW  8
#define COLORS_MANY 256
#define WIDE_KNOWN  64

/* What the C library says of a character, which it takes its time for. */
struct wide {
	char text[15]; /* as in a cell; "": none yet */
	int columns;
	bool fits; /* it is as wide as the canvas takes it for */
	wchar_t code[CCHARW_MAX + 1];
};

struct look {
	attr_t attr;
	short pair; /* 0: the terminal's own colours */
};

struct ui_screen {
	int in, out; /* of our own */
	int shared; /* as it was given, of which `out` is */
	FILE *file; /* what ncurses writes to, in memory */
	SCREEN *curses;
	locale_t locale;
	bool utf8;
	struct look look[UI_STYLES];
	struct wide wide[WIDE_KNOWN]; /* by a hash of their texts */
	struct outlet outlet;
	struct termios before, modes; /* the terminal's, and ours */
	bool entered, hung_up;
	bool repaint; /* all of the next canvas */
	struct ui_canvas shown;
	struct ui_input input;
};

/* The one that exit() has to leave, or NULL. */
static struct ui_screen *entered;

/* Returns what was in force, for a uselocale() afterwards. */
static locale_t enter_locale(const struct ui_screen *s)
{
	return uselocale(s->locale ? s->locale : LC_GLOBAL_LOCALE);
}

/* -------------------------------------------------------------- set-up */

static void on_any_signal(int number)
{
	(void)number;
}

/* newterm() with nothing left of what it does to signals. */
static SCREEN *new_terminal(const char *term, FILE *file)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGTSTP, SIGWINCH };
	struct sigaction ours = { .sa_handler = on_any_signal }, before[4];
	sigset_t mask, old;
	SCREEN *screen;

	sigemptyset(&mask);
	for (int i = 0; i < 4; i++)
		sigaddset(&mask, numbers[i]);
	pthread_sigmask(SIG_BLOCK, &mask, &old);
	/* It leaves alone those that are not what they were at the start. */
	for (int i = 0; i < 4; i++)
		sigaction(numbers[i], &ours, &before[i]);
	/* The file has no size; ours comes with ui_screen_enter(). */
	use_env(FALSE);
	screen = newterm(term, file, file);
	for (int i = 0; i < 4; i++)
		sigaction(numbers[i], &before[i], NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return screen;
}

/*
 * Is there an entry, and can it do what we need?  newterm() would only say no.
 */
static int check_entry(const char *term, int fd, struct err *err)
{
	const char *move, *clear_all;
	int got = 1;

	if (!term || !*term)
		return err_set(err, ENOENT, "TERM is not set");
	if (setupterm(term, fd, &got) && got != 1)
		return err_set(err, ENOENT,
			       "terminfo knows no terminal \"%s\" (TERM)",
			       term);
	move = got == 1 ? tigetstr("cup") : NULL;
	clear_all = got == 1 ? tigetstr("clear") : NULL;
	if (cur_term)
		del_curterm(cur_term);
	if (!move || !clear_all)
		return err_set(err, ENOSYS,
			       "a terminal \"%s\" (TERM) has no screen to draw "
			       "on",
			       term);
	return 0;
}

static void name_keys(struct ui_input *in)
{
	static const struct {
		uint32_t key;
		char name[6];
	} keys[] = {
		{ UI_KEY_UP, "kcuu1" },      { UI_KEY_DOWN, "kcud1" },
		{ UI_KEY_LEFT, "kcub1" },    { UI_KEY_RIGHT, "kcuf1" },
		{ UI_KEY_PAGE_UP, "kpp" },   { UI_KEY_PAGE_DOWN, "knp" },
		{ UI_KEY_HOME, "khome" },    { UI_KEY_END, "kend" },
		{ UI_KEY_BACK_TAB, "kcbt" }, { UI_KEY_BACKSPACE, "kbs" },
		{ UI_KEY_F10, "kf10" },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		/* -1: no string, of any terminal. */
		const char *text = tigetstr(keys[i].name);

		if (text && text != (char *)-1)
			ui_input_name(in, keys[i].key, text);
	}
}

/* How each style looks: attributes that mean the same without colours, and
 * the colour of 8 or of 256, -1: the terminal's own. */
static const struct {
	attr_t attr, colored;
	short few, many;
} looks[UI_STYLES] = {
	[UI_NORMAL] = { 0, 0, -1, -1 },
	[UI_DIM] = { A_DIM, A_DIM, -1, -1 },
	[UI_BOLD] = { A_BOLD, A_BOLD, -1, -1 },
	[UI_TITLE] = { A_BOLD, A_BOLD, COLOR_CYAN, 81 },
	[UI_GOOD] = { 0, 0, COLOR_GREEN, 77 },
	[UI_WARN] = { A_BOLD, 0, COLOR_YELLOW, 220 },
	[UI_BAD] = { A_BOLD, A_BOLD, COLOR_RED, 203 },
	[UI_HOT] = { A_BOLD, A_BOLD, COLOR_RED, 208 },
	[UI_SCAN] = { 0, 0, COLOR_CYAN, 74 },
	[UI_SEND] = { 0, 0, COLOR_BLUE, 69 },
	[UI_RUN] = { 0, 0, COLOR_GREEN, 77 },
	[UI_RECEIVE] = { 0, 0, COLOR_MAGENTA, 176 },
	[UI_LOCAL] = { 0, 0, COLOR_YELLOW, 180 },
	[UI_SELECTED] = { A_REVERSE, A_REVERSE, -1, -1 },
};

static void choose_looks(struct ui_screen *s, bool color)
{
	bool many;

	color = color && has_colors() && start_color() == OK &&
		COLORS >= COLORS_FEW && COLOR_PAIRS >= UI_STYLES;
	/* The user's own colours are the background of ours. */
	if (color && use_default_colors() != OK)
		color = false;
	many = color && COLORS >= COLORS_MANY;
	for (int i = 0; i < UI_STYLES; i++) {
		short hue = many ? looks[i].many : looks[i].few;

		s->look[i].attr = color ? looks[i].colored : looks[i].attr;
		if (color && hue >= 0 && init_pair((short)i, hue, -1) == OK)
			s->look[i].pair = (short)i;
	}
}

/* What ncurses wrote, and where it goes on. */
static off_t end_of_output(const struct ui_screen *s)
{
	fflush(s->file);
	return lseek(fileno(s->file), 0, SEEK_CUR);
}

static void forget_output(const struct ui_screen *s)
{
	end_of_output(s);
	lseek(fileno(s->file), 0, SEEK_SET);
}

static int start_curses(struct ui_screen *s, bool color, struct err *err)
{
	const char *term = getenv("TERM");
	int paper = -1, ret;

	ret = fs_memory(bytes_of("", 0), &paper, err);
	if (!ret)
		ret = check_entry(term, paper, err);
	if (!ret) {
		s->file = fdopen(paper, "w+");
		if (!s->file)
			ret = err_errno(err, "a file in memory");
	}
	if (ret) {
		if (paper >= 0)
			close(paper);
		return ret;
	}
	s->curses = new_terminal(term, s->file);
	if (!s->curses)
		return err_set(
			err, ENOSYS,
			"ncurses cannot draw on a terminal \"%s\" (TERM)",
			term);
	/* A line feed is that alone: we have output unchanged. */
	nonl();
	curs_set(0);
	leaveok(stdscr, TRUE);
	choose_looks(s, color);
	name_keys(&s->input);
	/* As one that was left: ui_screen_enter() begins anew. */
	endwin();
	forget_output(s);
	return 0;
}

static int open_end(int *out, int fd, const char *name, struct err *err)
{
	int got = terminal_open(fd);

	if (got == -ENOTTY)
		return err_set(err, ENOTTY, "%s is no terminal", name);
	if (got < 0)
		return err_set(err, -got, "the terminal of %s: %s", name,
			       strerror(-got));
	*out = got;
	return 0;
}

int ui_screen_new(struct ui_screen **out, int in, int out_fd, bool color,
		  struct err *err)
{
	struct ui_screen *s = xcalloc(1, sizeof(*s));
	locale_t old;
	int ret;

	s->in = s->out = -1;
	s->shared = out_fd;
	ret = open_end(&s->in, in, "standard input", err);
	if (!ret)
		ret = open_end(&s->out, out_fd, "standard error", err);
	if (!ret) {
		s->locale = ui_locale_new(&s->utf8);
		old = enter_locale(s);
		ret = start_curses(s, color, err);
		uselocale(old);
	}
	if (ret) {
		ui_screen_free(s);
		return ret;
	}
	outlet_init(&s->outlet, s->out, OUTPUT_MAX);
	*out = s;
	return 0;
}

bool ui_screen_is_utf8(const struct ui_screen *s)
{
	return s->utf8;
}

int ui_screen_error(const struct ui_screen *s)
{
	return s->outlet.error ? s->outlet.error : s->hung_up ? EIO : 0;
}

int ui_screen_key_fd(const struct ui_screen *s)
{
	return s->in;
}

int ui_screen_write_fd(const struct ui_screen *s)
{
	return s->out;
}

/* --------------------------------------------------------------- modes */

/* In the background the kernel would stop us for it. */
static void set_modes(const struct ui_screen *s, const struct termios *modes)
{
	sigset_t mask, old;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTTOU);
	pthread_sigmask(SIG_BLOCK, &mask, &old);
	tcsetattr(s->in, TCSANOW, modes);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/*
 * Keys come one by one and unseen, output goes out as it is.  The keys of
 * signals stay, but for SIGQUIT: it would leave the terminal like this.
 */
static void choose_modes(struct ui_screen *s)
{
	if (tcgetattr(s->in, &s->before))
		return;
	/* A program that was killed here may have left it like this. */
	s->before.c_iflag |= ICRNL;
	s->before.c_oflag |= OPOST | ONLCR;
	s->before.c_lflag |= ICANON | ISIG | IEXTEN | ECHO | ECHOE | ECHOK;
	s->modes = s->before;
	s->modes.c_oflag &= ~(tcflag_t)OPOST;
	s->modes.c_lflag &= ~(tcflag_t)(ICANON | IEXTEN | ECHO);
	s->modes.c_cc[VQUIT] = _POSIX_VDISABLE;
	s->modes.c_cc[VMIN] = 1;
	s->modes.c_cc[VTIME] = 0;
}

/* ------------------------------------------------------------- drawing */

/* Hand on what ncurses wrote. */
static void send_output(struct ui_screen *s)
{
	off_t left = end_of_output(s), at = 0;
	char block[1 << 14];

	forget_output(s);
	while (left > 0) {
		size_t want = left < (off_t)sizeof(block) ? (size_t)left :
							    sizeof(block);
		ssize_t n = pread(fileno(s->file), block, want, at);

		if (n <= 0)
			break;
		outlet_add(&s->outlet, bytes_of(block, (size_t)n));
		at += n;
		left -= n;
	}
	outlet_flush(&s->outlet, 0);
}

static void leave_at_exit(void)
{
	if (entered)
		ui_screen_leave(entered);
}

/* What ncurses has to say at the end; the modes are still ours. */
static void end_picture(struct ui_screen *s)
{
	locale_t old = enter_locale(s);

	endwin();
	uselocale(old);
	send_output(s);
	outlet_flush(&s->outlet, LAST_MS);
	entered = NULL;
	s->entered = false;
}

bool ui_screen_enter(struct ui_screen *s)
{
	static bool registered;

	if (!terminal_is_ours(s->in)) {
		/* We were stopped in the middle of it: the modes of now are
		   somebody else's. */
		if (s->entered)
			end_picture(s);
		return false;
	}
	if (!registered)
		registered = !atexit(leave_at_exit);
	if (!s->entered)
		choose_modes(s);
	set_modes(s, &s->modes);
	entered = s;
	s->entered = s->repaint = true;
	return true;
}

void ui_screen_leave(struct ui_screen *s)
{
	if (!s->entered)
		return;
	end_picture(s);
	set_modes(s, &s->before);
}

void ui_screen_size(const struct ui_screen *s, unsigned *rows,
		    unsigned *columns)
{
	if (!terminal_size(s->out, rows, columns)) {
		*rows = 24;
		*columns = 80;
	}
}

void ui_screen_repaint(struct ui_screen *s)
{
	s->repaint = true;
}

bool ui_screen_ready(struct ui_screen *s)
{
	outlet_flush(&s->outlet, 0);
	return !s->outlet.waiting.len;
}

/* A character and its marks; false: not as wide as the canvas takes it for. */
static bool to_wide(wchar_t *out, const char *text, int columns)
{
	const uint8_t *p = (const uint8_t *)text;
	size_t left = strlen(text), n = 0, len;
	uint32_t code;

	while (left && n < CCHARW_MAX &&
	       (len = printable_utf8(p, left, &code))) {
		int width = wcwidth((wchar_t)code);

		if (!n && width != columns)
			return false;
		if (!n || !width)
			out[n++] = (wchar_t)code;
		p += len;
		left -= len;
	}
	out[n] = L'\0';
	return n > 0;
}

/* Of a cell's text; NULL: it cannot be shown. */
static const wchar_t *find_wide(struct ui_screen *s, const char *text,
				int columns)
{
	/* Most of one picture differ in their last byte of three. */
	struct wide *w = &s->wide[(uint8_t)text[2] % WIDE_KNOWN];

	if (w->columns != columns || memcmp(w->text, text, sizeof(w->text))) {
		memcpy(w->text, text, sizeof(w->text));
		w->columns = columns;
		w->fits = to_wide(w->code, text, columns);
	}
	return w->fits ? w->code : NULL;
}

static void show_cell(struct ui_screen *s, unsigned row, unsigned column,
		      const struct ui_cell *cell, int columns)
{
	const struct look *look =
		&s->look[cell->style < UI_STYLES ? cell->style : UI_NORMAL];
	uint8_t c = (uint8_t)cell->text[0];
	chtype plain = look->attr | (chtype)COLOR_PAIR(look->pair);
	const wchar_t *wide;
	cchar_t out;

	if (!c)
		return; /* half of the one before */
	if (!cell->text[1]) {
		mvaddch((int)row, (int)column,
			(c >= ' ' && c < 0x7f ? c : '?') | plain);
		return;
	}
	wide = find_wide(s, cell->text, columns);
	if (wide && setcchar(&out, wide, look->attr, look->pair, NULL) == OK) {
		mvadd_wch((int)row, (int)column, &out);
		return;
	}
	for (int i = 0; i < columns; i++)
		mvaddch((int)row, (int)column + i, '?' | plain);
}

/* Did anything change? */
static bool show_row(struct ui_screen *s, const struct ui_canvas *c,
		     unsigned row)
{
	const struct ui_cell *now = c->cell + (size_t)row * c->columns;
	struct ui_cell *then = s->shown.cell + (size_t)row * c->columns;
	size_t size = c->columns * sizeof(*now);

	if (!memcmp(now, then, size))
		return false;
	for (unsigned i = 0; i < c->columns; i++) {
		bool is_wide = i + 1 < c->columns && !now[i + 1].text[0];

		if (memcmp(&now[i], &then[i], sizeof(*now)))
			show_cell(s, row, i, &now[i], is_wide ? 2 : 1);
	}
	memcpy(then, now, size);
	return true;
}

/* The cells that are shown are none that a canvas has. */
static void resize_shown(struct ui_screen *s, unsigned rows, unsigned columns)
{
	ui_canvas_resize(&s->shown, rows, columns);
	for (size_t i = 0; i < (size_t)rows * columns; i++)
		s->shown.cell[i].style = UI_STYLES;
	resize_term((int)rows, (int)columns);
	erase();
	s->repaint = true;
}

void ui_screen_show(struct ui_screen *s, const struct ui_canvas *c)
{
	bool changed = false;
	locale_t old;

	if (!s->entered || s->outlet.error || !c->rows || !c->columns)
		return;
	old = enter_locale(s);
	if (c->rows != s->shown.rows || c->columns != s->shown.columns)
		resize_shown(s, c->rows, c->columns);
	for (unsigned row = 0; row < c->rows; row++)
		changed |= show_row(s, c, row);
	if (changed || s->repaint) {
		if (s->repaint)
			clearok(curscr, TRUE);
		s->repaint = false;
		refresh();
		send_output(s);
	}
	uselocale(old);
}

/* ---------------------------------------------------------------- keys */

static void read_keys(struct ui_screen *s)
{
	uint8_t block[UI_INPUT_MAX];
	ssize_t n = read(s->in, block, ui_input_room(&s->input));

	if (n > 0)
		ui_input_add(&s->input, bytes_of(block, (size_t)n), clock_ms());
	else if (!n || (errno != EAGAIN && errno != EINTR))
		s->hung_up = true;
}

bool ui_screen_key(struct ui_screen *s, uint32_t *key, unsigned *wait_ms)
{
	if (ui_input_key(&s->input, clock_ms(), key, wait_ms))
		return true;
	if (!s->entered || s->hung_up || !ui_input_room(&s->input))
		return false;
	read_keys(s);
	return ui_input_key(&s->input, clock_ms(), key, wait_ms);
}

void ui_screen_free(struct ui_screen *s)
{
	if (!s)
		return;
	if (s->curses) {
		ui_screen_leave(s);
		delscreen(s->curses);
		if (!s->outlet.error)
			fs_write_all(s->shared, buf_bytes(&s->outlet.waiting));
	}
	if (s->file)
		fclose(s->file);
	if (s->locale)
		freelocale(s->locale);
	if (s->in >= 0)
		close(s->in);
	if (s->out >= 0)
		close(s->out);
	outlet_release(&s->outlet);
	ui_canvas_release(&s->shown);
	free(s);
}
