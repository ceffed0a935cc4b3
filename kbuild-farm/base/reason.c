/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/reason.h"

const char *reason_text(enum reason reason)
{
	static const char *const words[N_REASONS] = {
		[REASON_NONE] = "",
#define REASON(name, text) [REASON_##name] = (text),
#include "base/reason-list.h"
#undef REASON
	};

	return words[reason];
}
