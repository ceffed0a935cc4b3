/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/why.h - why a script is handed on to /bin/sh, unread.
 */
#ifndef SHELL_WHY_H
#define SHELL_WHY_H

enum shell_why {
#define WHY(name, words) SHELL_WHY_##name,
#include "shell/why-list.h"
#undef WHY
	SHELL_WHY_COUNT
};

/* What `handed` says of it (shell/counts.h). */
const char *shell_why_words(enum shell_why why);

#endif
