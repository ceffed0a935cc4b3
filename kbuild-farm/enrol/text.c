/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The assembler takes the files as they are, from the directory that make runs
 * in; the Makefile knows that this object depends on them.
 */
#include "enrol/text.h"

#define EMBED(symbol, name)                            \
	__asm__(".pushsection .rodata\n"               \
		"enrol_" #symbol "_begin:\n"           \
		"\t.incbin \"templates/" name "\"\n"   \
		"enrol_" #symbol "_end:\n"             \
		"\t.popsection\n");                    \
	extern const uint8_t enrol_##symbol##_begin[]  \
		__attribute__((visibility("hidden"))); \
	extern const uint8_t enrol_##symbol##_end[]    \
		__attribute__((visibility("hidden")));

#define TEXTS                                         \
	X(ENROL_COMMON, common, "enrol/common.sh")    \
	X(ENROL_INSTALL, install, "enrol/install.sh") \
	X(ENROL_REMOVE, remove, "enrol/remove.sh")    \
	X(ENROL_REKEY, rekey, "enrol/rekey.sh")       \
	X(ENROL_UNIT, unit, "systemd/kfarmd.service") \
	X(ENROL_INIT, init, "enrol/kfarmd.init")      \
	X(ENROL_OPENRC, openrc, "enrol/kfarmd.openrc")

#define X(number, symbol, name) EMBED(symbol, name)
TEXTS
#undef X

struct bytes enrol_text(enum enrol_text which)
{
	static const struct {
		const uint8_t *begin, *end;
	} all[] = {
#define X(number, symbol, name) \
	[number] = { enrol_##symbol##_begin, enrol_##symbol##_end },
		TEXTS
#undef X
	};

	return bytes_of(all[which].begin,
			(size_t)(all[which].end - all[which].begin));
}
