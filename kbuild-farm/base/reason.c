/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/reason.h"

const char *reason_words(enum reason why)
{
#define WORDS(name, words) [REASON_##name] = (words),
	static const char *const words[REASONS] = { [REASON_NONE] = "",
						    REASON_LIST(WORDS) };

	return words[why];
}
