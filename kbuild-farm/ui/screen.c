/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui/screen.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/outqueue.h"
#include "base/printable.h"
#include "base/str.h"
#include "base/terminal.h"
#include "base/vec.h"

#include <curses.h>
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

/*
 * Return the locale that uselocale() selects during drawing.  At other times
 * the program uses the C locale, because other libraries (libarchive) depend on
 * it.  The result is the user's locale or, if the user has set a UTF-8 locale
 * that is not installed, C.UTF-8.  If the chosen locale is not available, the
 * result is NULL, and drawing uses the program's locale.  *utf8 states whether
 * the result is a UTF-8 locale.
 */
static locale_t new_locale(bool *utf8)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };
	locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
	const char *wanted = NULL;

	*utf8 = locale && !strcmp(nl_langinfo_l(CODESET, locale), "UTF-8");
	/* Get the locale that the user set, even if it is not installed. */
	for (size_t i = 0; i < ARRAY_SIZE(names) && !wanted; i++) {
		wanted = getenv(names[i]);
		wanted = wanted && *wanted ? wanted : NULL;
	}
	wanted = wanted ? strchr(wanted, '.') : NULL;
	if (*utf8 || !wanted ||
	    (strncasecmp(wanted, ".utf-8", 6) != 0 &&
	     strncasecmp(wanted, ".utf8", 5) != 0))
		return locale;
	if (locale)
		freelocale(locale);
	locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	*utf8 = locale != (locale_t)0;
	return locale;
}

#define ESCAPE '\033'

/* Sequences of xterm, the Linux console, rxvt, screen and tmux. */
static const struct {
	const char *text;
	uint32_t key;
} standard_sequences[] = {
	{ "\033[A", UI_KEY_UP },       { "\033OA", UI_KEY_UP },
	{ "\033[B", UI_KEY_DOWN },     { "\033OB", UI_KEY_DOWN },
	{ "\033[C", UI_KEY_RIGHT },    { "\033OC", UI_KEY_RIGHT },
	{ "\033[D", UI_KEY_LEFT },     { "\033OD", UI_KEY_LEFT },
	{ "\033[5~", UI_KEY_PAGE_UP }, { "\033[6~", UI_KEY_PAGE_DOWN },
	{ "\033[H", UI_KEY_HOME },     { "\033OH", UI_KEY_HOME },
	{ "\033[1~", UI_KEY_HOME },    { "\033[7~", UI_KEY_HOME },
	{ "\033[F", UI_KEY_END },      { "\033OF", UI_KEY_END },
	{ "\033[4~", UI_KEY_END },     { "\033[8~", UI_KEY_END },
	{ "\033[Z", UI_KEY_BACK_TAB }, { "\033[21~", UI_KEY_F10 },
	{ "\033OM", UI_KEY_ENTER },
};

/* Interpretation of the first bytes of the input. */
enum input_match {
	INPUT_MATCH_KEY,
	INPUT_MATCH_INVALID, /* bytes to drop */
	INPUT_MATCH_PARTIAL, /* further bytes decide */
};

void ui_input_add_sequence(struct ui_input *in, uint32_t key,
			   const char *sequence)
{
	size_t n = strlen(sequence);

	/* Ignore a sequence of one byte, which is a character. */
	if (n < 2 || n >= sizeof(in->sequences->text) ||
	    in->n_sequences == UI_INPUT_SEQUENCES_MAX)
		return;
	memcpy(in->sequences[in->n_sequences].text, sequence, n + 1);
	in->sequences[in->n_sequences++].key = key;
}

size_t ui_input_room(const struct ui_input *in)
{
	return sizeof(in->bytes) - in->n_bytes;
}

void ui_input_add(struct ui_input *in, struct bytes received, uint64_t now_ms)
{
	size_t n = received.len < ui_input_room(in) ? received.len :
						      ui_input_room(in);

	memcpy(in->bytes + in->n_bytes, received.data, n);
	in->n_bytes += n;
	in->received_ms = now_ms;
}

/*
 * Return the length of `text` if the input bytes begin with `text`, else 0.
 * *open is set if the input bytes are a proper prefix of `text`.
 */
static size_t length_of(const struct ui_input *in, const char *text, bool *open)
{
	size_t n = strlen(text);
	size_t have = n < in->n_bytes ? n : in->n_bytes;

	if (memcmp(in->bytes, text, have))
		return 0;
	*open |= have < n;
	return have < n ? 0 : n;
}

/* Return the length of the longest matching sequence, or 0. */
static size_t match_sequence(const struct ui_input *in, uint32_t *key,
			     bool *open)
{
	size_t best = 0, n;

	for (unsigned i = 0; i < in->n_sequences; i++) {
		n = length_of(in, in->sequences[i].text, open);
		if (n > best) {
			best = n;
			*key = in->sequences[i].key;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(standard_sequences); i++) {
		n = length_of(in, standard_sequences[i].text, open);
		if (n > best) {
			best = n;
			*key = standard_sequences[i].key;
		}
	}
	return best;
}

/*
 * Find the end of an unknown ECMA-48 sequence: CSI up to its final byte, or SS3
 * and one byte.  An invalid byte ends the sequence.
 */
static enum input_match measure_sequence(const struct ui_input *in, size_t *n)
{
	if (in->bytes[1] == 'O') {
		*n = 3;
		return in->n_bytes < 3 ? INPUT_MATCH_PARTIAL :
					 INPUT_MATCH_INVALID;
	}
	for (*n = 2; *n < in->n_bytes; (*n)++) {
		uint8_t c = in->bytes[*n];

		if (c < 0x20 || c > 0x7e)
			return INPUT_MATCH_INVALID;
		if (c >= 0x40) {
			(*n)++;
			return INPUT_MATCH_INVALID;
		}
	}
	return in->n_bytes == sizeof(in->bytes) ? INPUT_MATCH_INVALID :
						  INPUT_MATCH_PARTIAL;
}

static enum input_match match_escape(const struct ui_input *in, uint32_t *key,
				     size_t *n)
{
	bool open = in->n_bytes == 1;

	*n = match_sequence(in, key, &open);
	if (*n)
		return INPUT_MATCH_KEY;
	if (open)
		return INPUT_MATCH_PARTIAL;
	if (in->bytes[1] == '[' || in->bytes[1] == 'O')
		return measure_sequence(in, n);
	*key = UI_KEY_ESCAPE;
	*n = 1;
	return INPUT_MATCH_KEY;
}

/* Decode a UTF-8 character, whose first byte determines its length. */
static enum input_match match_character(const struct ui_input *in,
					uint32_t *key, size_t *n)
{
	uint8_t first = in->bytes[0];
	size_t length = first < 0x80 ? 1 :
			first < 0xc2 ? 0 :
			first < 0xe0 ? 2 :
			first < 0xf0 ? 3 :
			first < 0xf5 ? 4 :
				       0;

	*n = printable_utf8(in->bytes, in->n_bytes, key);
	if (*n)
		return INPUT_MATCH_KEY;
	*n = 1;
	return in->n_bytes < length ? INPUT_MATCH_PARTIAL : INPUT_MATCH_INVALID;
}

bool ui_input_next_key(struct ui_input *in, uint64_t now_ms, uint32_t *key,
		       unsigned *wait_ms)
{
	*wait_ms = 0;
	while (in->n_bytes) {
		uint64_t due = in->received_ms + UI_INPUT_WAIT_MS;
		enum input_match what;
		size_t n = 0;

		what = in->bytes[0] == ESCAPE ? match_escape(in, key, &n) :
						match_character(in, key, &n);
		if (what == INPUT_MATCH_PARTIAL && now_ms < due) {
			*wait_ms = (unsigned)(due - now_ms);
			return false;
		}
		/*
		 * No byte followed in time: the first byte is the Escape key,
		 * or invalid.
		 */
		if (what == INPUT_MATCH_PARTIAL) {
			*key = UI_KEY_ESCAPE;
			what = in->bytes[0] == ESCAPE ? INPUT_MATCH_KEY :
							INPUT_MATCH_INVALID;
			n = 1;
		}
		in->n_bytes -= n;
		memmove(in->bytes, in->bytes + n, in->n_bytes);
		if (what == INPUT_MATCH_KEY)
			return true;
	}
	return false;
}

/*
 * ncurses writes to a file in memory instead of the terminal, so this module
 * itself handles the modes, the size and the keys of the terminal.  ncurses
 * compares each picture with the previous one and writes the difference.
 * Passing a cell to ncurses takes about 0.1 us, so only changed cells are
 * passed.
 */

#define NCURSES_NOMACROS

/* <term.h> defines these as macros. */
#undef columns
#undef lines

/* maximum time to wait until a slow terminal accepts the last output */
#define LAST_MS         300
#define OUTPUT_MAX      (64u << 20) /* bytes of one picture */
#define COLORS_FEW      8
#define COLORS_MANY     256
#define WIDE_CACHE_SIZE 64

/* A cell's text as wide characters, cached because wcwidth() is slow. */
struct wide_text {
	char text[15]; /* as in a cell; "" if unused */
	int columns;
	bool width_matches; /* the C library agrees with the canvas */
	wchar_t characters[CCHARW_MAX + 1];
};

struct terminal_style {
	attr_t attributes;
	short pair; /* 0 for the terminal's default colors */
};

struct ui_screen {
	/* the terminal, opened again for O_NONBLOCK (base/terminal.h) */
	int in_fd, out_fd;
	int shared_fd; /* the caller's `out_fd`, for the last blocking write */
	FILE *file; /* output of ncurses, in memory */
	SCREEN *curses;
	locale_t locale;
	bool utf8;
	struct terminal_style styles[UI_STYLES];
	struct wide_text wide_cache[WIDE_CACHE_SIZE]; /* by hash of the text */
	struct outqueue queue;
	/* terminal modes to restore, and modes while drawing */
	struct termios saved_modes, modes;
	bool entered, hung_up;
	bool repaint_needed; /* the next canvas is drawn completely */
	struct ui_canvas drawn;
	struct ui_input input;
};

/* The screen that leave_at_exit() must leave, or NULL. */
static struct ui_screen *entered;

/* Set the locale for drawing; return the previous locale to restore. */
static locale_t enter_locale(const struct ui_screen *s)
{
	return uselocale(s->locale ? s->locale : LC_GLOBAL_LOCALE);
}

/* ---- setup ---- */

static void on_any_signal(int number)
{
	(void)number;
}

/* Call newterm() without letting it change signal handlers. */
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
	/* newterm() replaces only SIG_DFL, so install other handlers first. */
	for (int i = 0; i < 4; i++)
		sigaction(numbers[i], &ours, &before[i]);
	/*
	 * `file` has no window size, and ui_screen_show() sets the size later.
	 * Until then, ncurses uses the size of the terminfo entry.  For an
	 * entry without a size ("linux"), use_tioctl() makes ncurses use 80x24.
	 * ncurses 6.5 then also reads the environment.
	 */
	use_env(FALSE);
	use_tioctl(TRUE);
	screen = newterm(term, file, file);
	if (!screen) {
		use_env(TRUE);
		screen = newterm(term, file, file);
	}
	for (int i = 0; i < 4; i++)
		sigaction(numbers[i], &before[i], NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return screen;
}

/*
 * Check the terminfo entry and its capabilities, because newterm() reports no
 * reason for a failure.
 */
static int check_entry(const char *term, int fd, struct err *err)
{
	const char *move, *clear_all;
	int got = 1;

	if (!term || !*term)
		return err_set(err, ENOENT, "TERM is not set");
	if (setupterm(term, fd, &got) && got != 1)
		return err_set(err, ENOENT,
			       "unknown terminal type \"%s\" (TERM)", term);
	move = got == 1 ? tigetstr("cup") : NULL;
	clear_all = got == 1 ? tigetstr("clear") : NULL;
	if (cur_term)
		del_curterm(cur_term);
	if (!move || !clear_all)
		return err_set(err, ENOSYS,
			       "terminal type \"%s\" (TERM) cannot move the "
			       "cursor or clear the screen",
			       term);
	return 0;
}

/*
 * `attr` and `colored` are the attributes of a style on a terminal without and
 * with colors.  `few` and `many` are the numbers of its color on a terminal
 * with at least 8 and at least 256 colors.  Color -1 is the terminal's default.
 */
static const struct {
	attr_t attr, colored;
	short few, many;
} style_attributes[UI_STYLES] = {
	[UI_STYLE_NORMAL] = { 0, 0, -1, -1 },
	[UI_STYLE_DIM] = { A_DIM, A_DIM, -1, -1 },
	[UI_STYLE_BOLD] = { A_BOLD, A_BOLD, -1, -1 },
	[UI_STYLE_TITLE] = { A_BOLD, A_BOLD, COLOR_CYAN, 81 },
	[UI_STYLE_GOOD] = { 0, 0, COLOR_GREEN, 77 },
	[UI_STYLE_WARN] = { A_BOLD, 0, COLOR_YELLOW, 220 },
	[UI_STYLE_BAD] = { A_BOLD, A_BOLD, COLOR_RED, 203 },
	[UI_STYLE_HOT] = { A_BOLD, A_BOLD, COLOR_RED, 208 },
	[UI_STYLE_SCAN] = { 0, 0, COLOR_CYAN, 74 },
	[UI_STYLE_SEND] = { 0, 0, COLOR_BLUE, 69 },
	[UI_STYLE_RUN] = { 0, 0, COLOR_GREEN, 77 },
	[UI_STYLE_RECEIVE] = { 0, 0, COLOR_MAGENTA, 176 },
	[UI_STYLE_LOCAL] = { 0, 0, COLOR_YELLOW, 180 },
	[UI_STYLE_SELECTED] = { A_REVERSE, A_REVERSE, -1, -1 },
};

static void choose_attributes(struct ui_screen *s, bool color)
{
	bool many;

	color = color && has_colors() && start_color() == OK &&
		COLORS >= COLORS_FEW && COLOR_PAIRS >= UI_STYLES;
	/* The background stays the terminal's default. */
	if (color && use_default_colors() != OK)
		color = false;
	many = color && COLORS >= COLORS_MANY;
	for (int i = 0; i < UI_STYLES; i++) {
		short hue = many ? style_attributes[i].many :
				   style_attributes[i].few;

		s->styles[i].attributes = color ? style_attributes[i].colored :
						  style_attributes[i].attr;
		if (color && hue >= 0 && init_pair((short)i, hue, -1) == OK)
			s->styles[i].pair = (short)i;
	}
}

/* Return the number of bytes that ncurses wrote since discard_output(). */
static off_t output_end(const struct ui_screen *s)
{
	fflush(s->file);
	return lseek(fileno(s->file), 0, SEEK_CUR);
}

static void discard_output(const struct ui_screen *s)
{
	output_end(s);
	lseek(fileno(s->file), 0, SEEK_SET);
}

static int start_curses(struct ui_screen *s, bool color, struct err *err)
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
	const char *term = getenv("TERM");
	int paper = -1, ret;

	ret = fs_memfd_new(bytes_of("", 0), &paper, err);
	if (!ret)
		ret = check_entry(term, paper, err);
	if (!ret) {
		s->file = fdopen(paper, "w+");
		if (!s->file)
			ret = err_errno(err, "cannot open a file in memory");
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
			"ncurses does not support the terminal type \"%s\" "
			"(TERM)",
			term);
	/* The terminal does not translate line feeds: OPOST is off. */
	nonl();
	curs_set(0);
	leaveok(stdscr, TRUE);
	choose_attributes(s, color);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		/* -1 means that keys[i].name is not a string capability. */
		const char *text = tigetstr(keys[i].name);

		if (text && text != (char *)-1)
			ui_input_add_sequence(&s->input, keys[i].key, text);
	}
	/*
	 * Discard the output so far, because the terminal must not change
	 * before ui_screen_enter().  The first picture after that call is drawn
	 * completely and does not need this output.
	 */
	endwin();
	discard_output(s);
	return 0;
}

static int open_terminal_fd(int *out, int fd, const char *name, struct err *err)
{
	int got = terminal_open(fd);

	if (got == -ENOTTY)
		return err_set(err, ENOTTY, "%s is not a terminal", name);
	if (got < 0)
		return err_set(err, -got, "cannot open the terminal of %s: %s",
			       name, strerror(-got));
	*out = got;
	return 0;
}

int ui_screen_new(struct ui_screen **out, int in_fd, int out_fd, bool color,
		  struct err *err)
{
	struct ui_screen *s = xcalloc(1, sizeof(*s));
	locale_t old;
	int ret;

	s->in_fd = s->out_fd = -1;
	s->shared_fd = out_fd;
	ret = open_terminal_fd(&s->in_fd, in_fd, "standard input", err);
	if (!ret)
		ret = open_terminal_fd(&s->out_fd, out_fd, "standard error",
				       err);
	if (!ret) {
		s->locale = new_locale(&s->utf8);
		old = enter_locale(s);
		ret = start_curses(s, color, err);
		uselocale(old);
	}
	if (ret) {
		ui_screen_free(s);
		return ret;
	}
	outqueue_init(&s->queue, s->out_fd, OUTPUT_MAX);
	*out = s;
	return 0;
}

bool ui_screen_is_utf8(const struct ui_screen *s)
{
	return s->utf8;
}

int ui_screen_error(const struct ui_screen *s)
{
	return s->queue.error ? s->queue.error : s->hung_up ? EIO : 0;
}

int ui_screen_key_fd(const struct ui_screen *s)
{
	return s->in_fd;
}

int ui_screen_write_fd(const struct ui_screen *s)
{
	return s->out_fd;
}

/* ---- modes ---- */

/*
 * Set the modes of the terminal.  SIGTTOU is blocked, because it would stop a
 * process in the background.
 */
static void set_modes(const struct ui_screen *s, const struct termios *modes)
{
	sigset_t mask, old;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTTOU);
	pthread_sigmask(SIG_BLOCK, &mask, &old);
	tcsetattr(s->in_fd, TCSANOW, modes);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/*
 * Choose the modes for drawing: keys arrive one by one without echo, and output
 * is not translated.  The keys that send signals stay enabled, except the key
 * for SIGQUIT, because SIGQUIT would end the program without restoring the
 * modes.
 */
static void choose_modes(struct ui_screen *s)
{
	if (tcgetattr(s->in_fd, &s->saved_modes))
		return;
	/*
	 * Save canonical modes for the restoration, even if a killed program
	 * has left the terminal in raw mode.
	 */
	s->saved_modes.c_iflag |= ICRNL;
	s->saved_modes.c_oflag |= OPOST | ONLCR;
	s->saved_modes.c_lflag |= ICANON | ISIG | IEXTEN | ECHO | ECHOE | ECHOK;
	s->modes = s->saved_modes;
	s->modes.c_oflag &= ~(tcflag_t)OPOST;
	s->modes.c_lflag &= ~(tcflag_t)(ICANON | IEXTEN | ECHO);
	s->modes.c_cc[VQUIT] = _POSIX_VDISABLE;
	s->modes.c_cc[VMIN] = 1;
	s->modes.c_cc[VTIME] = 0;
}

/* ---- drawing ---- */

/* Queue the output of ncurses for the terminal. */
static void send_output(struct ui_screen *s)
{
	off_t left = output_end(s), at = 0;
	char block[1 << 14];

	discard_output(s);
	while (left > 0) {
		size_t want = left < (off_t)sizeof(block) ? (size_t)left :
							    sizeof(block);
		ssize_t n = pread(fileno(s->file), block, want, at);

		if (n <= 0)
			break;
		outqueue_add(&s->queue, bytes_of(block, (size_t)n));
		at += n;
		left -= n;
	}
	outqueue_flush(&s->queue, 0);
}

static void leave_at_exit(void)
{
	if (entered)
		ui_screen_leave(entered);
}

/* Leave ncurses and send its final output.  The caller restores the modes. */
static void finish_frame(struct ui_screen *s)
{
	locale_t old = enter_locale(s);

	endwin();
	uselocale(old);
	send_output(s);
	outqueue_flush(&s->queue, LAST_MS);
	entered = NULL;
	s->entered = false;
}

bool ui_screen_enter(struct ui_screen *s)
{
	static bool registered;

	if (!terminal_is_foreground(s->in_fd)) {
		/*
		 * In the background, do not restore the modes: they belong to
		 * another program.
		 */
		if (s->entered)
			finish_frame(s);
		return false;
	}
	if (!registered)
		registered = !atexit(leave_at_exit);
	if (!s->entered)
		choose_modes(s);
	set_modes(s, &s->modes);
	entered = s;
	s->entered = s->repaint_needed = true;
	return true;
}

void ui_screen_leave(struct ui_screen *s)
{
	if (!s->entered)
		return;
	finish_frame(s);
	set_modes(s, &s->saved_modes);
}

void ui_screen_size(const struct ui_screen *s, unsigned *rows,
		    unsigned *columns)
{
	if (!terminal_size(s->out_fd, rows, columns)) {
		*rows = 24;
		*columns = 80;
	}
}

void ui_screen_repaint(struct ui_screen *s)
{
	s->repaint_needed = true;
}

bool ui_screen_ready(struct ui_screen *s)
{
	outqueue_flush(&s->queue, 0);
	return !s->queue.pending.len;
}

/*
 * Convert a character and its combining marks to wide characters.  Returns
 * false if the character has another width in the C library than in the canvas.
 */
static bool encode_wide(wchar_t *out, const char *text, int columns)
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

static void show_glyph(struct ui_screen *s, unsigned row, unsigned column,
		       const struct ui_glyph *cell, int columns)
{
	const struct terminal_style *look =
		&s->styles[cell->style < UI_STYLES ? cell->style :
						     UI_STYLE_NORMAL];
	uint8_t c = (uint8_t)cell->text[0];
	chtype plain = look->attributes | (chtype)COLOR_PAIR(look->pair);
	struct wide_text *w;
	cchar_t out;

	if (!c)
		return; /* second half of a wide character */
	if (!cell->text[1]) {
		mvaddch((int)row, (int)column,
			(c >= ' ' && c < 0x7f ? c : '?') | plain);
		return;
	}
	/*
	 * Most non-ASCII characters of a picture have three bytes and differ in
	 * the third byte, so the third byte is the hash.
	 */
	w = &s->wide_cache[(uint8_t)cell->text[2] % WIDE_CACHE_SIZE];
	if (w->columns != columns ||
	    memcmp(w->text, cell->text, sizeof(w->text))) {
		memcpy(w->text, cell->text, sizeof(w->text));
		w->columns = columns;
		w->width_matches = encode_wide(w->characters, w->text, columns);
	}
	if (w->width_matches && setcchar(&out, w->characters, look->attributes,
					 look->pair, NULL) == OK) {
		mvadd_wch((int)row, (int)column, &out);
		return;
	}
	for (int i = 0; i < columns; i++)
		mvaddch((int)row, (int)column + i, '?' | plain);
}

/* Draw the changed cells of a row.  Returns true if the row has changed. */
static bool show_row(struct ui_screen *s, const struct ui_canvas *c,
		     unsigned row)
{
	const struct ui_glyph *now = c->glyphs + (size_t)row * c->columns;
	struct ui_glyph *then = s->drawn.glyphs + (size_t)row * c->columns;
	size_t size = c->columns * sizeof(*now);

	if (!memcmp(now, then, size))
		return false;
	for (unsigned i = 0; i < c->columns; i++) {
		bool is_wide = i + 1 < c->columns && !now[i + 1].text[0];

		if (memcmp(&now[i], &then[i], sizeof(*now)))
			show_glyph(s, row, i, &now[i], is_wide ? 2 : 1);
	}
	memcpy(then, now, size);
	return true;
}

void ui_screen_show(struct ui_screen *s, const struct ui_canvas *c)
{
	bool changed = false;
	locale_t old;

	if (!s->entered || s->queue.error || !c->rows || !c->columns)
		return;
	old = enter_locale(s);
	if (c->rows != s->drawn.rows || c->columns != s->drawn.columns) {
		ui_canvas_resize(&s->drawn, c->rows, c->columns);
		/* No canvas has the style UI_STYLES, so every cell differs. */
		for (size_t i = 0; i < (size_t)c->rows * c->columns; i++)
			s->drawn.glyphs[i].style = UI_STYLES;
		resize_term((int)c->rows, (int)c->columns);
		erase();
		s->repaint_needed = true;
	}
	for (unsigned row = 0; row < c->rows; row++)
		changed |= show_row(s, c, row);
	if (changed || s->repaint_needed) {
		if (s->repaint_needed)
			clearok(curscr, TRUE);
		s->repaint_needed = false;
		refresh();
		send_output(s);
	}
	uselocale(old);
}

/* ---- keys ---- */

bool ui_screen_key(struct ui_screen *s, uint32_t *key, unsigned *wait_ms)
{
	uint8_t block[UI_INPUT_BYTES_MAX];
	ssize_t n;

	if (ui_input_next_key(&s->input, clock_ms(), key, wait_ms))
		return true;
	if (!s->entered || s->hung_up || !ui_input_room(&s->input))
		return false;
	n = read(s->in_fd, block, ui_input_room(&s->input));
	if (n > 0)
		ui_input_add(&s->input, bytes_of(block, (size_t)n), clock_ms());
	else if (!n || (errno != EAGAIN && errno != EINTR))
		s->hung_up = true;
	return ui_input_next_key(&s->input, clock_ms(), key, wait_ms);
}

void ui_screen_free(struct ui_screen *s)
{
	if (!s)
		return;
	if (s->curses) {
		ui_screen_leave(s);
		delscreen(s->curses);
		if (!s->queue.error)
			bytes_write(s->shared_fd, buf_bytes(&s->queue.pending));
	}
	if (s->file)
		fclose(s->file);
	if (s->locale)
		freelocale(s->locale);
	if (s->in_fd >= 0)
		close(s->in_fd);
	if (s->out_fd >= 0)
		close(s->out_fd);
	outqueue_release(&s->queue);
	ui_canvas_release(&s->drawn);
	free(s);
}
