/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui/input.h"

#include "base/printable.h"

#include <string.h>

#define ESCAPE '\033'

/* As xterm, the Linux console, rxvt, screen and tmux have them. */
static const struct {
	const char *text;
	uint32_t key;
} common[] = {
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

/* What the bytes begin with. */
enum beginning {
	IS_KEY,
	IS_NOTHING, /* to be dropped */
	IS_OPEN, /* may become either */
};

void ui_input_name(struct ui_input *in, uint32_t key, const char *sequence)
{
	size_t n = strlen(sequence);

	/* A single byte is a character. */
	if (n < 2 || n >= sizeof(in->own->text) || in->n_own == UI_INPUT_OWN)
		return;
	memcpy(in->own[in->n_own].text, sequence, n + 1);
	in->own[in->n_own++].key = key;
}

size_t ui_input_room(const struct ui_input *in)
{
	return sizeof(in->byte) - in->n;
}

void ui_input_add(struct ui_input *in, struct bytes came, uint64_t now_ms)
{
	size_t n = came.len < ui_input_room(in) ? came.len : ui_input_room(in);

	memcpy(in->byte + in->n, came.data, n);
	in->n += n;
	in->at_ms = now_ms;
}

static void drop_bytes(struct ui_input *in, size_t n)
{
	in->n -= n;
	memmove(in->byte, in->byte + n, in->n);
}

/* How many bytes the sequence has that they begin with; 0: they do not. */
static size_t length_of(const struct ui_input *in, const char *text, bool *open)
{
	size_t n = strlen(text);
	size_t have = n < in->n ? n : in->n;

	if (memcmp(in->byte, text, have))
		return 0;
	*open |= have < n;
	return have < n ? 0 : n;
}

/* The longest of those that are known. */
static size_t match_known(const struct ui_input *in, uint32_t *key, bool *open)
{
	size_t best = 0, n;

	for (unsigned i = 0; i < in->n_own; i++) {
		n = length_of(in, in->own[i].text, open);
		if (n > best) {
			best = n;
			*key = in->own[i].key;
		}
	}
	for (size_t i = 0; i < sizeof(common) / sizeof(*common); i++) {
		n = length_of(in, common[i].text, open);
		if (n > best) {
			best = n;
			*key = common[i].key;
		}
	}
	return best;
}

/*
 * A sequence of ECMA-48 to its final byte, whatever it means: CSI, and SS3
 * with one byte.  A byte that cannot be in it ends it before that.
 */
static enum beginning measure_sequence(const struct ui_input *in, size_t *n)
{
	if (in->byte[1] == 'O') {
		*n = 3;
		return in->n < 3 ? IS_OPEN : IS_NOTHING;
	}
	for (*n = 2; *n < in->n; (*n)++) {
		uint8_t c = in->byte[*n];

		if (c < 0x20 || c > 0x7e)
			return IS_NOTHING;
		if (c >= 0x40) {
			(*n)++;
			return IS_NOTHING;
		}
	}
	return in->n == sizeof(in->byte) ? IS_NOTHING : IS_OPEN;
}

static enum beginning match_escape(const struct ui_input *in, uint32_t *key,
				   size_t *n)
{
	bool open = in->n == 1;

	*n = match_known(in, key, &open);
	if (*n)
		return IS_KEY;
	if (open)
		return IS_OPEN;
	if (in->byte[1] == '[' || in->byte[1] == 'O')
		return measure_sequence(in, n);
	*key = UI_KEY_ESCAPE;
	*n = 1;
	return IS_KEY;
}

/* How many bytes a character has that begins with this one; 0: none does. */
static size_t utf8_length(uint8_t first)
{
	return first < 0x80 ? 1 :
	       first < 0xc2 ? 0 :
	       first < 0xe0 ? 2 :
	       first < 0xf0 ? 3 :
	       first < 0xf5 ? 4 :
			      0;
}

static enum beginning match_character(const struct ui_input *in, uint32_t *key,
				      size_t *n)
{
	*n = printable_utf8(in->byte, in->n, key);
	if (*n)
		return IS_KEY;
	*n = 1;
	return in->n < utf8_length(in->byte[0]) ? IS_OPEN : IS_NOTHING;
}

bool ui_input_key(struct ui_input *in, uint64_t now_ms, uint32_t *key,
		  unsigned *wait_ms)
{
	*wait_ms = 0;
	while (in->n) {
		uint64_t due = in->at_ms + UI_INPUT_WAIT_MS;
		enum beginning what;
		size_t n = 0;

		what = in->byte[0] == ESCAPE ? match_escape(in, key, &n) :
					       match_character(in, key, &n);
		if (what == IS_OPEN && now_ms < due) {
			*wait_ms = (unsigned)(due - now_ms);
			return false;
		}
		/* Nothing came behind it. */
		if (what == IS_OPEN) {
			*key = UI_KEY_ESCAPE;
			what = in->byte[0] == ESCAPE ? IS_KEY : IS_NOTHING;
			n = 1;
		}
		drop_bytes(in, n);
		if (what == IS_KEY)
			return true;
	}
	return false;
}
