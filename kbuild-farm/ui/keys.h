/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/keys.h - Codes of keys.
 *
 * A key code is a constant of enum ui_key or a Unicode character, which can be
 * a control character: 9 Tab, 10 and 13 Enter, 27 Escape, 8 and 127 Backspace.
 */
#ifndef UI_KEYS_H
#define UI_KEYS_H

enum ui_key {
	UI_KEY_TAB = 9,
	UI_KEY_ENTER = 13,
	UI_KEY_ESCAPE = 27,
	UI_KEY_UP = 0x110000, /* after the last Unicode character */
	UI_KEY_DOWN,
	UI_KEY_LEFT,
	UI_KEY_RIGHT,
	UI_KEY_PAGE_UP,
	UI_KEY_PAGE_DOWN,
	UI_KEY_HOME,
	UI_KEY_END,
	UI_KEY_BACK_TAB,
	UI_KEY_BACKSPACE,
	UI_KEY_F10,
};

#endif
