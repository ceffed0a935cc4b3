/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The assembler takes the files as they are, from the directory that make runs
 * in; the Makefile knows that this object depends on them.
 */
#include "peer/canary-data.h"

#include <stdlib.h>
#include <string.h>

#define TEMPLATES "templates/canary/"

#define EMBED(symbol, name)                            \
	__asm__(".pushsection .rodata\n"               \
		"canary_" #symbol "_begin:\n"          \
		"\t.incbin \"" TEMPLATES name "\"\n"   \
		"canary_" #symbol "_end:\n"            \
		"\t.popsection\n");                    \
	extern const uint8_t canary_##symbol##_begin[] \
		__attribute__((visibility("hidden"))); \
	extern const uint8_t canary_##symbol##_end[]   \
		__attribute__((visibility("hidden")));

#define SOURCES                       \
	X(asm, "asm.c")               \
	X(atomics, "atomics.c")       \
	X(builtins, "builtins.c")     \
	X(debug, "debug.c")           \
	X(entry, "entry.S")           \
	X(floats, "floats.c")         \
	X(inline, "inline.c")         \
	X(integers, "integers.c")     \
	X(loops, "loops.c")           \
	X(simd, "simd.c")             \
	X(size, "size.c")             \
	X(strings, "strings.c")       \
	X(structures, "structures.c") \
	X(switches, "switches.c")     \
	X(warnings, "warnings.c")

#define X(symbol, name) EMBED(symbol, name)
SOURCES
EMBED(flags, "flags")
EMBED(burn, "burn.c")
EMBED(burn_flags, "burn-flags")
#undef X

static struct bytes span(const uint8_t *begin, const uint8_t *end)
{
	return bytes_of(begin, (size_t)(end - begin));
}

const struct peer_canary_source *peer_canary_sources(size_t *n)
{
	static struct peer_canary_source all[] = {
#define X(symbol, file) { .name = (file) },
		SOURCES
#undef X
	};
	size_t i = 0;

#define X(symbol, name) \
	all[i++].text = span(canary_##symbol##_begin, canary_##symbol##_end);
	SOURCES
#undef X
	*n = i;
	return all;
}

const struct peer_canary_source *peer_canary_burn_sources(size_t *n)
{
	static struct peer_canary_source all[] = {
		{ .name = "burn-1.c" }, { .name = "burn-2.c" },
		{ .name = "burn-3.c" }, { .name = "burn-4.c" },
		{ .name = "burn-5.c" }, { .name = "burn-6.c" },
		{ .name = "burn-7.c" }, { .name = "burn-8.c" },
	};

	*n = sizeof(all) / sizeof(*all);
	for (size_t i = 0; i < *n; i++)
		all[i].text = span(canary_burn_begin, canary_burn_end);
	return all;
}

static struct bytes flags_text(void)
{
	return span(canary_flags_begin, canary_flags_end);
}

void peer_canary_digest(struct digest *out)
{
	struct digest_run *run = digest_new();
	const struct peer_canary_source *v;
	size_t n;

	v = peer_canary_sources(&n);
	for (size_t i = 0; i < n; i++) {
		digest_add(run, bytes_of(v[i].name, strlen(v[i].name) + 1));
		digest_add(run, v[i].text);
	}
	digest_add(run, flags_text());
	digest_end(run, out);
}

/* "aarch64" is what "aarch64-linux-gnu" begins with; "arm" of "arm" alone. */
static bool is_machine(const char *pattern, const char *machine)
{
	size_t len = strcspn(machine, "-");

	return !strcmp(pattern, "*") ||
	       (strlen(pattern) == len && !memcmp(pattern, machine, len));
}

/* The pattern has a colon behind it. */
static bool matches_source(const char *pattern, const char *source)
{
	size_t len = strcspn(pattern, ":");

	return !strcmp(pattern, "*:") ||
	       (strlen(source) == len && !memcmp(pattern, source, len));
}

static void add_canary_flags(struct strv *argv, struct bytes rest,
			     const char *machine, const char *source)
{
	while (rest.len) {
		char *line = bytes_dup(bytes_line(&rest));
		struct strv words = { 0 };

		if (*line != '#')
			strv_split(&words, line, " ");
		if (words.n > 2 && is_machine(words.v[0], machine) &&
		    matches_source(words.v[1], source))
			strv_add_all(argv, words.v + 2);
		strv_release(&words);
		free(line);
	}
}

void peer_canary_flags(struct strv *argv, const char *machine,
		       const char *source)
{
	add_canary_flags(argv, flags_text(), machine, source);
	add_canary_flags(argv,
			 span(canary_burn_flags_begin, canary_burn_flags_end),
			 machine, source);
}
