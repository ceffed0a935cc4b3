/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ui/locale.h - the locale that the user's terminal is written to in.
 */
#ifndef UI_LOCALE_H
#define UI_LOCALE_H

#include <locale.h>
#include <stdbool.h>

/*
 * For uselocale() around what draws: the locale of the program itself is C,
 * and others (libarchive) go by it.  Where this system has no such locale as
 * LC_ALL, LC_CTYPE or LANG say, but they say UTF-8, it is C.UTF-8.
 *
 * Returns NULL where there is none: the program's own is as good.
 */
locale_t ui_locale_new(bool *utf8);

#endif
