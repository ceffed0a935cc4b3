/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/input.h - keys, of the bytes that a terminal sends.
 *
 * Arrows and the like come as Escape and more (ECMA-48, and the terminal's own
 * of its terminfo entry); Escape itself as that byte alone, so one that nothing
 * follows for UI_INPUT_WAIT_MS is Escape.  Sequences that mean nothing to us
 * (a mouse, a paste's brackets) are dropped whole, and so is what is no UTF-8.
 */
#ifndef UI_INPUT_H
#define UI_INPUT_H

#include "base/buf.h"
#include "ui/keys.h"

#define UI_INPUT_WAIT_MS 50
#define UI_INPUT_MAX     256 /* bytes that wait */
#define UI_INPUT_OWN     16 /* sequences of the terminal's own */

/* A zeroed one is fine. */
struct ui_input {
	uint8_t byte[UI_INPUT_MAX];
	size_t n;
	uint64_t at_ms; /* when the last of them came */
	struct {
		char text[16];
		uint32_t key;
	} own[UI_INPUT_OWN];
	unsigned n_own;
};

/* This terminal sends that for this key; ignored where it has no room. */
void ui_input_name(struct ui_input *in, uint32_t key, const char *sequence);
/* How many bytes there is room for. */
size_t ui_input_room(const struct ui_input *in);
void ui_input_add(struct ui_input *in, struct bytes came, uint64_t now_ms);
/*
 * The next key; false: none.  Then *wait_ms is after how many milliseconds
 * there will be one if nothing else comes; 0: none.
 */
bool ui_input_key(struct ui_input *in, uint64_t now_ms, uint32_t *key,
		  unsigned *wait_ms);

#endif
