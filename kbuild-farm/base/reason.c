/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/reason.h"

const char *reason_words(enum reason why)
{
	static const char *const words[REASONS] = {
		[REASON_NONE] = "",
#define REASON(name, text) [REASON_##name] = (text),
#include "base/reason-list.h"
#undef REASON
	};

	return words[why];
}
