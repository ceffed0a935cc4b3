/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/why.h"

static const char *const words[] = {
#define WHY(name, text) [SHELL_WHY_##name] = (text),
#include "shell/why-list.h"
#undef WHY
};

const char *shell_why_words(enum shell_why why)
{
	return words[why];
}
