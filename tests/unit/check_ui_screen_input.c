/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: ui */
#include "../lib/test.h"

#include "ui/screen.h"

static struct ui_input in;
static uint64_t now_ms;

static void set_up(void)
{
	in = (struct ui_input){ 0 };
	now_ms = 1000;
}

static void typed(const char *text, size_t n)
{
	ui_input_add(&in, bytes_of(text, n), now_ms);
}

/* Return the next key, or -1. */
static int64_t next_key(unsigned *wait_ms)
{
	uint32_t key = 0;

	return ui_input_next_key(&in, now_ms, &key, wait_ms) ? (int64_t)key :
							       -1;
}

static void expect(int64_t key)
{
	unsigned wait_ms;

	ck_assert_int_eq(next_key(&wait_ms), key);
}

#define NONE (-1)

/* Bytes that arrive at once, and the resulting keys. */
static const struct {
	const char *text;
	int64_t keys[5];
} cases[] = {
	{ "q", { 'q', NONE } },
	{ "ab\t\r\n", { 'a', 'b', 9, 13, 10 } },
	{ "\177\b", { 127, 8, NONE } },
	{ "\033[A\033OB", { UI_KEY_UP, UI_KEY_DOWN, NONE } },
	{ "\033[5~x", { UI_KEY_PAGE_UP, 'x', NONE } },
	{ "\033[1~\033[4~", { UI_KEY_HOME, UI_KEY_END, NONE } },
	{ "\033[Z", { UI_KEY_BACK_TAB, NONE } },
	{ "\033[21~", { UI_KEY_F10, NONE } },
	/* Ctrl-Up, a mouse report, bracketed paste: no key. */
	{ "\033[1;5Ax", { 'x', NONE } },
	{ "\033[<0;10;10Mx", { 'x', NONE } },
	{ "\033[200~a\033[201~", { 'a', NONE } },
	{ "\033Oxy", { 'y', NONE } },
	/* A sequence that an invalid byte ends. */
	{ "\033[1\001y", { 1, 'y', NONE } },
	{ "\033q", { UI_KEY_ESCAPE, 'q', NONE } },
	{ "\033\033[C", { UI_KEY_ESCAPE, UI_KEY_RIGHT, NONE } },
	{ "\xc3\xa4\xe2\x82\xac", { 0xe4, 0x20ac, NONE } },
	{ "\xf0\x9f\x90\xa7", { 0x1f427, NONE } },
	{ "\xff\x80z", { 'z', NONE } },
	{ "\xc3z", { 'z', NONE } },
};

FIXTURE(set_up, NULL);

TEST_EACH(bytes_are_decoded_into_keys, cases)
{
	typed(row->text, strlen(row->text));
	for (int i = 0; i < 5; i++) {
		expect(row->keys[i]);
		if (row->keys[i] == NONE)
			break;
	}
	expect(NONE);
}

TEST_EACH(bytes_received_singly_give_the_same_keys, cases)
{
	const char *text = row->text;
	int got = 0;

	for (size_t i = 0; i < strlen(text); i++) {
		unsigned wait_ms;
		int64_t key;

		typed(text + i, 1);
		while ((key = next_key(&wait_ms)) != NONE)
			ck_assert_int_eq(key, row->keys[got++]);
		now_ms += UI_INPUT_WAIT_MS - 1;
	}
	ck_assert(got == 5 || row->keys[got] == NONE);
}

TEST(a_lone_escape_becomes_a_key_after_a_timeout)
{
	unsigned wait_ms;

	typed("\033", 1);
	now_ms += 10;
	ck_assert_int_eq(next_key(&wait_ms), NONE);
	ck_assert_uint_eq(wait_ms, UI_INPUT_WAIT_MS - 10);
	now_ms += wait_ms;
	expect(UI_KEY_ESCAPE);
	ck_assert_int_eq(next_key(&wait_ms), NONE);
	ck_assert_uint_eq(wait_ms, 0);
}

TEST(an_incomplete_sequence_is_flushed_after_a_timeout)
{
	typed("\033[", 2);
	expect(NONE);
	now_ms += UI_INPUT_WAIT_MS;
	expect(UI_KEY_ESCAPE);
	expect('[');
	typed("\xe2\x82", 2);
	expect(NONE);
	now_ms += UI_INPUT_WAIT_MS;
	expect(NONE);
	ck_assert_uint_eq(in.n_bytes, 0);
}

TEST(sequences_of_the_terminal_override_the_standard_ones)
{
	ui_input_add_sequence(&in, UI_KEY_UP, "\033up");
	/* overrides the standard sequence of UI_KEY_UP */
	ui_input_add_sequence(&in, UI_KEY_DOWN, "\033[A");
	/* ignored: one byte is a character */
	ui_input_add_sequence(&in, UI_KEY_HOME, "\b");
	ui_input_add_sequence(&in, UI_KEY_END,
			      "\033a string of more than 16 bytes");
	typed("\033up\033[A\b", 7);
	expect(UI_KEY_UP);
	expect(UI_KEY_DOWN);
	expect(8);
	for (int i = 0; i < 2 * UI_INPUT_SEQUENCES_MAX; i++)
		ui_input_add_sequence(&in, UI_KEY_UP, "\033x");
	ck_assert_uint_eq(in.n_sequences, UI_INPUT_SEQUENCES_MAX);
}

TEST(an_overlong_sequence_is_dropped)
{
	char text[UI_INPUT_BYTES_MAX + 10];

	memset(text, '1', sizeof(text));
	memcpy(text, "\033[", 2);
	typed(text, sizeof(text));
	ck_assert_uint_eq(ui_input_room(&in), 0);
	expect(NONE);
	ck_assert_uint_eq(ui_input_room(&in), UI_INPUT_BYTES_MAX);
}

/* All input is consumed. */
TEST_RANGE(random_bytes_give_only_valid_keys, 0, 20)
{
	unsigned seed = (unsigned)_i * 2654435761u + 1, wait_ms;
	static const char some[] = "\033[O;~0AZ\xc3\xe2\xf0\x82\377\001q";

	for (int round = 0; round < 2000; round++) {
		char c = some[seed % (sizeof(some) - 1)];
		int64_t key;

		seed = seed * 1664525 + 1013904223;
		typed(&c, 1);
		now_ms += seed >> 26;
		while ((key = next_key(&wait_ms)) != NONE)
			ck_assert(key <= UI_KEY_F10 &&
				  (key < 0xd800 || key > 0xdfff));
	}
	now_ms += UI_INPUT_WAIT_MS;
	while (next_key(&wait_ms) != NONE)
		;
	ck_assert_uint_eq(in.n_bytes, 0);
}
